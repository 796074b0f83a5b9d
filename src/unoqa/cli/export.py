"""Write final grades as a table (the machine's, the readers', the adjudicated, and the trail), or as DICOM objects.

The final grade is the adjudicated one; else the one that all readers gave; else the machine's. Where readers disagree
there is none until someone adjudicates (unoqa review).

Examples:

  unoqa export results -o grades.csv
  unoqa export results -o grades.xlsx --as xlsx
  unoqa export results -o reports/ --as dicom-sr --images /archive
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.options import Quiet, Results
from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import UsageError
from unoqa.outputs import OUTPUTS
from unoqa.store.files import is_empty
from unoqa.store.results import Results as Record


def export(
    results: Results,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; for DICOM a folder.")],
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            help="csv, xlsx, parquet (extra tables), dicom-sr, dicom-quality (extra dicom), or one that is added.",
        ),
    ] = "csv",
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images, for DICOM. [default: where they were]", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write the table, or the objects."""
    name = kind.replace("-", "_")
    view = OUTPUTS.load(name)
    if view.folder:
        _check_folder(output, overwrite=overwrite)
    elif output.exists() and not (overwrite and output.is_file()):
        raise UsageError(f"{output} exists; name another file, or replace it with --overwrite.")
    with Record.open(results) as record:
        record.check_finished()
        view().write(record, output, images=images)
        done = len(list(output.iterdir())) if view.folder else len(record)
        what = f"The output {name}" if OUTPUTS.find_package(name) else "Final grades"
        print_message(f"{what} of {done} {'objects' if view.folder else 'images'} in {output}.", quiet=quiet)


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds something: what stands there may be the objects themselves."""
    if folder.exists() and (not folder.is_dir() or not (overwrite or is_empty(folder))):
        raise UsageError(f"{folder} exists and is not empty; name a new folder, or add to it with --overwrite.")
