"""Show what a model folder or a results folder holds.

Examples:

  unoqa info model
  unoqa info results
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.store.model_folder import CARD, DOCUMENT, read_model_folder
from unoqa.store.results import Results
from unoqa.store.results.folder import is_results

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    shown = {
        "images": f"{len(results)}: {counts}, {results.count(None)} without a grade",
        "graded": facts.get("finished"),
        "unoqa": facts.get("versions", {}).get("unoqa"),
        "recipe": facts.get("recipe"),
        "seed": facts.get("seed"),
        "model": facts.get("model"),
        "threshold": _round(facts.get("threshold")),
        "alpha": facts.get("alpha"),
        "gradable or ungradable": SPLITS.get(str(facts.get("split"))),
        "ungradable from a score of": _round(facts.get("border")),
        "readers' decisions": len(results.decisions),
    }
    lines = [f"{name}: {value}" for name, value in shown.items() if value is not None]
    return lines + [_describe_model(one) for one in facts.get("models", []) if len(facts["models"]) > 1]


def _describe_model(model: Mapping[str, Any]) -> str:
    """Describe one of several models that graded a cohort."""
    border = _round(model.get("border"))
    split = "" if border is None else f", ungradable from a score of {border}"
    graded = f"recipe {model['recipe']}, {model['images']} images, threshold {_round(model['threshold'])}{split}"
    return f"model {model['model']}: {graded}"


def _round(value: float | None) -> str | None:
    """Return a score as `grades.csv` has it, so that one can be looked up there."""
    return None if value is None else f"{value:.6f}"
