"""Make the views of a results folder again: grades.csv, run.json, cohort.png.

All of them are made from record.sqlite; cohort.png also needs the images and heat/.

Examples:

  unoqa report results
  unoqa report results --images /archive/clinic
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.options import Quiet, Results
from unoqa.cli.parts.terminal import print_message
from unoqa.outputs import write_default_outputs
from unoqa.store.results import Results as Record
from unoqa.store.results.folder import HEAT


def report(
    results: Results,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images, if it was moved. [default: where they were]", show_default=False),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the views."""
    with Record.open(results) as record:
        record.check_finished()
        pictures = (results / HEAT).is_dir()
        left_out: list[str] = []
        made = write_default_outputs(record, images=images, pictures=pictures, notify=left_out.append)
    for sentence in left_out:
        print_message(sentence)
    print_message(f"Written in {results}: {', '.join(made)}.", quiet=quiet)
    if left_out:
        raise typer.Exit(SOME_FAILED)
