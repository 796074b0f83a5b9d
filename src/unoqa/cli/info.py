"""Show what a model folder or a results folder holds.

Examples:

  unoqa info model
  unoqa info results
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.store.model_folder import CARD, DOCUMENT, read_model_folder
from unoqa.store.results import Results
from unoqa.store.results.folder import is_results

SPLITS = {"cohort": "clustered in this cohort", "settled": "as the model was settled"}
"""How images that are not outstanding were told apart."""


def info(
    folder: Annotated[Path, typer.Argument(help="Model folder or results folder.", metavar="MODEL|RESULTS")],
) -> None:
    """Print the card of a model, or the facts of a run."""
    if (folder / DOCUMENT).is_file():
        read_model_folder(folder)  # a changed model is refused
        typer.echo((folder / CARD).read_text(encoding="utf-8"), nl=False)
    elif is_results(folder):
        with Results.open(folder) as results:
            typer.echo("\n".join(_describe(results)))
    else:
        raise UsageError(
            f"{folder} is neither a model folder nor a results folder; name one made by unoqa fit or grade."
        )


def _describe(results: Results) -> list[str]:
    facts = results.facts
    if not results.finished:
        return [f"An unfinished run of {len(results)} images; give the same `unoqa grade` command again."]
    counts = ", ".join(f"{results.count(grade)} {grade.word}" for grade in reversed(Grade))
    settings = facts.get("settings", {}).get("threshold", {})
    shown = {
        "images": f"{len(results)}: {counts}, {results.count(None)} without a grade",
        "graded": facts.get("finished"),
        "unoqa": facts.get("versions", {}).get("unoqa"),
        "recipe": f"{facts.get('recipe')}, seed {facts.get('seed')}",
        "model": facts.get("model"),
        "threshold": _round(facts.get("threshold")),
        "alpha": settings.get("alpha"),
        "gradable or ungradable": SPLITS.get(facts.get("split", "")),
        "ungradable from a score of": _round(facts.get("border")),
        "readers' decisions": len(results.decisions),
    }
    return [f"{name}: {value}" for name, value in shown.items() if value is not None]


def _round(value: float | None) -> str | None:
    """Return a score as `grades.csv` has it, so that one can be looked up there."""
    return None if value is None else f"{value:.6f}"
