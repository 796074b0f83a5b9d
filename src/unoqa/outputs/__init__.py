"""Outputs: views of a record, each a file in the results folder that can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.core.catalog import Shelf
from unoqa.core.errors import ResultsError
from unoqa.core.progress import ignore
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.file_names import find_fault_of_file
from unoqa.store.results.folder import HEAT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from unoqa.store.results import Results

OUTPUTS: Shelf[Output] = Shelf(__name__, Output, "output")  # type: ignore[type-abstract]

__all__ = ["OUTPUTS", "Output", "list_added_files", "write_default_outputs"]


def write_default_outputs(
    results: Results,
    *,
    images: Path | None = None,
    pictures: bool = True,
    notify: Callable[[str], None] | None = None,
    leave_out: Collection[str] = (),
    given: Collection[Output] = (),
) -> tuple[str, ...]:
    """Write the views that every run makes; return the names of their files.

    Views that show heat are made only if the results folder has heat overlays.

    Args:
        images: folder where the images lie now; None if they lie where they were graded.
        pictures: whether to write views that read the images.
        notify: takes a sentence about a view that is left out: its images cannot be found, or another package adds it
            and it cannot be made.
        leave_out: names of outputs that are not wanted.
        given: outputs with settings of their own, in place of the same ones without.

    Raises:
        ResultsError: an image that is needed cannot be found, and nobody is to be notified; views that need none are
            written by then.
    """
    usable, sentences = OUTPUTS.load_usable()
    tell = notify or ignore
    for sentence in sentences:
        tell(sentence)
    heat = (results.folder / HEAT).is_dir()
    wanted = {
        name: output
        for name, output in usable.items()
        if name not in leave_out
        and output.default
        and (pictures or not output.needs_images)
        and (heat or not output.needs_heat)
    }
    made = []
    for name, output in sorted(wanted.items(), key=lambda one: one[1].needs_images):
        others = [other.file for other in usable.values() if other is not output]
        view = next((one for one in given if isinstance(one, output)), output)
        try:
            _write(name, view, results, images, others)
            made.append(output.file)
        except ResultsError as error:
            if not OUTPUTS.find_package(name) and (notify is None or not output.needs_images):
                raise
            tell(f"{output.file} was not made: {error}")
    return tuple(made)


def _write(
    name: str, view: Output | type[Output], results: Results, images: Path | None, others: Collection[str]
) -> None:
    """Write a view; whatever goes wrong with one of another package is a `ResultsError`."""
    path, package = results.folder / view.file, OUTPUTS.find_package(name)
    if package and (fault := find_fault_of_file(view.file, others)):
        raise ResultsError(f"the output '{name}' of the package {package} cannot be used, since {fault}.")
    try:
        (view if isinstance(view, Output) else view()).write(results, path, images=images)
    except Exception as error:
        if not package:
            raise
        failed = f"the output '{name}' of the package {package} raised {type(error).__name__} ({error})"
        raise ResultsError(f"{failed}; ask its author.") from error


def list_added_files(folder: Path) -> tuple[str, ...]:
    """List the files in a results folder that outputs of other packages made."""
    usable, _ = OUTPUTS.load_usable()
    added = [output.file for name, output in usable.items() if OUTPUTS.find_package(name)]
    return tuple(file for file in added if not find_fault_of_file(file, ()) and (folder / file).exists())
