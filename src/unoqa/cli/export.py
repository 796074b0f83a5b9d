"""Write final grades as a table: the machine's, the readers', the adjudicated, and the trail.

The final grade is the adjudicated one; else the one that all readers gave; else the machine's. Where readers disagree
there is none until someone adjudicates (unoqa review).

Examples:

  unoqa export results -o grades.csv
  unoqa export results -o grades.xlsx --as xlsx
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.options import Quiet, Results
from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import UsageError
from unoqa.outputs import OUTPUTS
from unoqa.store.results import Results as Record


def export(
    results: Results,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    kind: Annotated[str, typer.Option("--as", help="csv, xlsx or parquet (the last two: extra tables).")] = "csv",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write the table."""
    view = OUTPUTS.load(kind)
    if output.exists() and not (overwrite and output.is_file()):
        raise UsageError(f"{output} exists; name another file, or replace it with --overwrite.")
    with Record.open(results) as record:
        view().write(record, output)
        print_message(f"Final grades of {len(record)} images in {output}.", quiet=quiet)
