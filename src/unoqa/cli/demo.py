"""Run every step on synthetic scans; it needs no images and no internet.

The folder receives phantom/ (synthetic OCTA scans), model/ and results/. Look at report.html in results/, a page with
the graded scans.

Examples:

  unoqa demo
  unoqa demo clinic-demo/ --seed 1
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.evaluation import evaluate_results
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.messages import print_counts, print_fit_report
from unoqa.cli.parts.options import ProgressTo, Quiet, check_range
from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import ResultsError
from unoqa.grader.grader import load
from unoqa.grader.recipe import DEFAULT, LARGEST_SEED, Recipe
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.store.files import is_empty
from unoqa.store.results.folder import is_results

OUTSTANDING = 60
"""Scans to fit on."""

CLINIC = (30, 60, 30)
"""Scans to grade: outstanding, gradable, ungradable."""


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", metavar="FOLDER")] = Path("demo"),
    seed: Annotated[
        int, typer.Option(callback=check_range(0, LARGEST_SEED), help="Random seed; another seed draws other scans.")
    ] = 0,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Draw a phantom clinic, fit on its outstanding scans, grade the others, and compare the grades with the labels."""
    model, results = folder / "model", folder / "results"
    if folder.exists() and not (is_empty(folder) or _holds_demo(folder / "phantom")):
        raise ResultsError(f"{folder} holds something that is not a demo; name a new folder.")
    if is_results(results):  # of an earlier demo, perhaps of another version or day
        shutil.rmtree(results)
    bars = make_progress(quiet=quiet, file=progress)
    print_message(f"Drawing {OUTSTANDING + sum(CLINIC)} phantom scans …", quiet=quiet)
    write_phantom(folder / "phantom", outstanding_to_fit=OUTSTANDING, clinic=CLINIC, seed=seed)
    grader = Recipe.named(DEFAULT).fit(folder / "phantom" / "outstanding", progress=bars)
    grader.save(model)
    print_fit_report(grader.fitted.report)
    with grade_to_folder(load(model), folder / "phantom" / "clinic", results, progress=bars) as record:
        print_counts(record, quiet=quiet)
    typer.echo(evaluate_results(results, folder / "phantom" / "labels.csv"), nl=False)
    print_message(f"Look at {results / 'report.html'}, in a browser, and at {results / 'grades.csv'}.", quiet=quiet)


def _holds_demo(phantom: Path) -> bool:
    """Tell whether a folder holds the scans of a demo, whole or interrupted while they were drawn."""
    if (phantom / "labels.csv").is_file():
        return True
    if not phantom.is_dir():
        return False
    siblings, children = ({entry.name for entry in folder.iterdir()} for folder in (phantom.parent, phantom))
    return siblings <= {"phantom"} and children <= {"outstanding", "clinic"}
