"""Outputs: views of a record, each a file in the results folder that can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.core.catalog import Shelf
from unoqa.core.errors import ResultsError
from unoqa.outputs.parts.contract import Output
from unoqa.store.results.folder import HEAT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from unoqa.store.results import Results

OUTPUTS: Shelf[Output] = Shelf(__name__, Output, "output")  # type: ignore[type-abstract]

__all__ = ["OUTPUTS", "Output", "write_default_outputs"]


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
        notify: takes a sentence about a view that is left out, since its images cannot be found.
        leave_out: names of outputs that are not wanted.
        given: outputs with settings of their own, in place of the same ones without.

    Raises:
        ResultsError: an image that is needed cannot be found, and nobody is to be notified; views that need none are
            written by then.
    """
    heat = (results.folder / HEAT).is_dir()
    outputs = [OUTPUTS.load(name) for name in OUTPUTS.names() if name not in leave_out]
    wanted = [
        output
        for output in outputs
        if output.default and (pictures or not output.needs_images) and (heat or not output.needs_heat)
    ]
    ordered = sorted(wanted, key=lambda output: output.needs_images)
    made = []
    for output in ordered:
        try:
            chosen = next((one for one in given if isinstance(one, output)), None) or output()
            chosen.write(results, results.folder / output.file, images=images)
            made.append(output.file)
        except ResultsError as error:
            if notify is None or not output.needs_images:
                raise
            notify(f"{output.file} was not made: {error}")
    return tuple(made)
