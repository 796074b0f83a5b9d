"""Make the views of a results folder again: report.html, grades.csv, run.json, cohort.png.

All of them are made from record.sqlite. report.html also needs heat/, or else the images; cohort.png needs both.

Examples:

  unoqa report results
  unoqa report results --images /archive/clinic
  unoqa report results --methods
  unoqa report results --covariates people.csv
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.covariates import read_covariates
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.options import Quiet, Results
from unoqa.cli.parts.terminal import print_message
from unoqa.outputs import write_default_outputs
from unoqa.outputs.report_html import ReportHtml
from unoqa.report.cohort import Cohort
from unoqa.report.exclusion import Covariates
from unoqa.report.methods import write_methods
from unoqa.store.results import Results as Record
from unoqa.store.results.details import iterate_details


def report(
    results: Results,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images, if it was moved. [default: where they were]", show_default=False),
    ] = None,
    methods: Annotated[
        bool, typer.Option("--methods", help="Only print the Methods paragraph of a paper, with its reference.")
    ] = False,
    covariates: Annotated[
        Path | None,
        typer.Option(help="Table of image (or patient and eye), age, sex, site: who is lost?", show_default=False),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the views."""
    with Record.open(results) as record:
        record.check_finished()
        if methods:
            typer.echo(write_methods(Cohort.read(record)), nl=False)
            return
        left_out: list[str] = []
        given = [] if covariates is None else [ReportHtml(_read_covariates(record, covariates))]
        made = write_default_outputs(record, images=images, notify=left_out.append, given=given)
    for sentence in left_out:
        print_message(sentence)
    print_message(f"Written in {results}: {', '.join(made)}.", quiet=quiet)
    if left_out:
        raise typer.Exit(SOME_FAILED)


def _read_covariates(record: Record, path: Path) -> Covariates:
    scans = Cohort.read(record).scans
    known = (details.facts.get("patient") for details in iterate_details(record))
    patients = ["" if patient is None else patient.value for patient in known]
    return read_covariates(path, scans, patients)
