"""Measure a model with scans of your site, and write a report to sign.

Give outstanding scans that the model was not fitted on, at least five, better 50. The report says how many of them are
refused, which planted damage the model sees and, with --labels, how far its grades agree with yours; each with a 95 %
interval. site-report.html is to print (two sheets of A4) and to sign; sbom.cdx.json lists all software that takes part.
--sbom FILE writes that list alone, without scans.

Examples:

  unoqa qualify held-out/ -m model -o qualification --site "Eye Clinic, Basel" --scanner "Spectralis 3"
  unoqa qualify held-out/ -m settled --labels graded/labels.csv -o qualification
  unoqa qualify --sbom sbom.cdx.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.qualification.bill_of_materials import write_bill
from unoqa.benchmark.qualification.page import describe_refusal, write_page
from unoqa.benchmark.qualification.run import qualify as measure
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import SOME_FAILED, report_errors
from unoqa.cli.parts.messages import print_failures
from unoqa.cli.parts.options import Device, Model, ProgressTo, Quiet
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.cli.selftest import Outstanding
from unoqa.grader.grader import load
from unoqa.store.files import refuse_others, write_text

PAGE, BILL = "site-report.html", "sbom.cdx.json"


def _write_bill_alone(file: Path | None) -> None:
    """Write the bill alone, before the other parameters are asked for, and end the command."""
    if file is not None:
        with report_errors():
            write_bill(file)
        raise typer.Exit


def qualify(
    outstanding: Outstanding,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    labels: Annotated[
        Path | None, typer.Option(help="Your grades: a table with columns image,grade.", show_default="no agreement")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images that --labels names.", show_default="that of the table")
    ] = None,
    sbom: Annotated[
        Path | None,
        typer.Option(is_eager=True, callback=_write_bill_alone, help="Write the bill of materials alone to this file."),
    ] = None,
    site: Annotated[str, typer.Option(help="Where the scans were made; stands on the report.")] = "",
    scanner: Annotated[str, typer.Option(help="Device that made the scans; stands on the report.")] = "",
    device: Device = "cpu",
    threads: Threads = 0,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Measure, write the two files, and say what the first one begins with."""
    del sbom
    use_threads(threads)
    refuse_others(output, (PAGE, BILL), "a site report")
    grader = load(model, device=device)
    found = measure(grader, outstanding, labels, images, progress=make_progress(quiet=quiet, file=progress))
    told = {"site": site, "device": scanner, "outstanding scans": ", ".join(path.name for path in outstanding)}
    write_text(output / PAGE, write_page(found, grader, told))
    write_bill(output / BILL)
    print_failures(found.failures)
    typer.echo(describe_refusal(found))
    print_message(f"Print and sign {output / PAGE}.", quiet=quiet)
    if found.failures:
        raise typer.Exit(SOME_FAILED)
