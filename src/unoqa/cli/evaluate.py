"""Compare the grades of a run with reference grades.

The label file is a CSV file, or an Excel workbook, with the columns image and grade. A grade is 0, 1 or 2, or
ungradable, gradable or outstanding. Without a label file, what readers decided in unoqa review is the reference:
adjudicated grades, and those that all readers of an image gave alike. The agreement is printed and written to
evaluation.md and evaluation.json in the results folder. Labels change no score and no grade.

Examples:

  unoqa evaluate results --labels labels.csv
  unoqa evaluate results
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.evaluation import evaluate_results


def evaluate(
    results: Annotated[
        Path, typer.Argument(help="Results folder of unoqa grade.", metavar="RESULTS", show_default=False)
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns image,grade.", show_default="the grades of the readers in RESULTS"
        ),
    ] = None,
) -> None:
    """Print and write the agreement of a run with the labels."""
    typer.echo(evaluate_results(results, labels), nl=False)
