"""Watch for drift: are recent images still like those that the model was settled on?

unoqa compares the scores, measures, size and kind of picture of the images in results folders with the cohort that the
model was settled on, week by week (columns date and site of a manifest, or unoqa grade --keep-dates). It names what
has moved, at which device or site, and since when. monitor.html shows it, monitor.json is for programs. The exit
status is 4 if something has moved.

Examples:

  unoqa monitor results -m settled -o monitor
  unoqa monitor results-june results-july -m settled --by device -o monitor
  unoqa monitor results-july -m model --reference results-may -o monitor
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.monitoring.periods import By
from unoqa.benchmark.monitoring.results import FILES, write_monitoring
from unoqa.benchmark.monitoring.run import run_monitoring
from unoqa.cli.parts.exit_status import ALARM
from unoqa.cli.parts.options import Model, Quiet
from unoqa.cli.parts.terminal import print_message
from unoqa.store.files import refuse_others

SeveralResults = Annotated[
    list[Path],
    typer.Argument(help="Results folders of recent images, made by grade.", metavar="RESULTS", show_default=False),
]

Reference = Annotated[
    list[Path] | None,
    typer.Option(help="Results folder to compare with. [default: the cohort of the model]", show_default=False),
]


def monitor(
    results: SeveralResults,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    by: Annotated[By, typer.Option(help="Compare the weeks of all images, or of each device or site.")] = "week",
    reference: Reference = None,
    quiet: Quiet = False,
) -> None:
    """Compare, write the page, and say in sentences what has moved."""
    refuse_others(output, FILES, "a monitoring")
    monitoring = run_monitoring(results, model, by=by, reference=reference or ())
    write_monitoring(monitoring, output)
    for sentence in monitoring.sentences:
        typer.echo(sentence)
    for note in monitoring.notes:
        print_message(note, quiet=quiet)
    print_message(f"Look at {output / 'monitor.html'}.", quiet=quiet)
    if monitoring.movements:
        raise typer.Exit(ALARM)
