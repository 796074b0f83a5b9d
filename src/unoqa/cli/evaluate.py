"""Compare a run's grades with reference grades.

LABELS is a CSV with columns image,grade: 0, 1, 2 or ungradable, gradable, outstanding. Labels are read here
and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.evaluation import evaluate_results


def evaluate(
    results: Annotated[Path, typer.Argument(help="Results folder of unoqa grade.", show_default=False)],
    labels: Annotated[Path, typer.Option(help="CSV with columns image,grade.")],
) -> None:
    """Print and write the agreement."""
    typer.echo(evaluate_results(results, labels), nl=False)
