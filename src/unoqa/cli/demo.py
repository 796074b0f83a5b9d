"""Show the whole way on a made-up clinic: no images, no weights, no network needed.

The folder receives phantom/ (procedural OCTA scans), model/, results/ and cohort.png.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from unoqa.batch import Mode, grade_files
from unoqa.benchmark.evaluation import evaluate_results
from unoqa.benchmark.phantom.folder import write
from unoqa.cli.parts.bars import progress
from unoqa.cli.parts.messages import say, say_counts, say_fit
from unoqa.cli.parts.options import Quiet
from unoqa.core.errors import ResultsError
from unoqa.grader.model import load
from unoqa.grader.recipe import LARGEST_SEED, Recipe
from unoqa.grader.source import ImageSource
from unoqa.report.cohort_picture import draw_cohort
from unoqa.store.files import is_empty

OUTSTANDING = 60
"""Scans to learn from."""

CLINIC = (30, 60, 30)
"""Scans to grade: outstanding, gradable, ungradable."""


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Another seed, another clinic.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Make a phantom clinic, fit on its outstanding scans, grade the rest, draw and compare."""
    model, results = folder / "model", folder / "results"
    if folder.exists() and not (is_empty(folder) or _is_demo(folder / "phantom")):
        raise ResultsError(f"{folder} holds something that is not a demo; name a new folder.")
    if (results / "run.json").is_file():  # of an earlier demo, perhaps by another version
        shutil.rmtree(results)
    bars = progress(quiet=quiet)
    say(f"Drawing {OUTSTANDING + sum(CLINIC)} phantom scans …", quiet=quiet)
    write(folder / "phantom", outstanding_to_fit=OUTSTANDING, clinic=CLINIC, seed=seed)
    grader = Recipe.named("measures").fit(folder / "phantom" / "outstanding", progress=bars)
    grader.save(model)
    say_fit(grader.fitted.report)
    source = ImageSource.of(folder / "phantom" / "clinic")
    with grade_files(load(model), source, results, mode=Mode.AS_MODEL, heat=True, progress=bars) as result:
        say_counts(result, quiet=quiet)
        draw_cohort(result.gradings, source.open, results, folder / "cohort.png")
    typer.echo(evaluate_results(results, folder / "phantom" / "labels.csv"), nl=False)
    say(f"Look at {folder / 'cohort.png'} and {results / 'grades.csv'}.", quiet=quiet)


def _is_demo(phantom: Path) -> bool:
    """Tell whether a demo's scans lie there; of one that was interrupted while it drew, nothing else does."""
    if (phantom / "labels.csv").is_file():
        return True
    if not phantom.is_dir():
        return False
    beside, drawn = ({entry.name for entry in folder.iterdir()} for folder in (phantom.parent, phantom))
    return beside <= {"phantom"} and drawn <= {"outstanding", "clinic"}
