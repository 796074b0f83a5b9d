"""List what a recipe can name, with every setting.

A recipe names four things. Panel: pairs of an encoder and a low-quality module; their scores are combined. Threshold:
an image with a score above it is not outstanding. Reduction and clustering: together they split the images that are not
outstanding into gradable and ungradable. The list also has the recipes of the package, and the data sets and
supervised references of unoqa reproduce.

Examples:

  unoqa choices
  unoqa choices encoders
  unoqa choices recipes
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from unoqa.batch.executors import EXECUTORS
from unoqa.benchmark.datasets import DATASETS
from unoqa.benchmark.supervised import REFERENCES
from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import unknown_name_error
from unoqa.encoders import ENCODERS
from unoqa.encoders.measures import MEASURES
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.formats import FORMATS
from unoqa.grader.recipe import DEFAULT, Recipe, recipe_names
from unoqa.lowquality import MODULES
from unoqa.outputs import OUTPUTS
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

SHELVES = (
    FORMATS,
    ENCODERS,
    MEASURES,
    MODULES,
    THRESHOLDS,
    REDUCTIONS,
    CLUSTERINGS,
    OUTPUTS,
    EXECUTORS,
    DATASETS,
    REFERENCES,
)


def choices(
    kind: Annotated[
        str | None, typer.Argument(help="List only this kind, such as encoder.", metavar="KIND", show_default=False)
    ] = None,
) -> None:
    """Print one table per kind of choice, or the table of one kind."""
    kind = kind.removesuffix("s") if kind else None
    kinds = [*(shelf.kind for shelf in SHELVES), "recipe"]
    if kind is not None and kind not in kinds:
        raise unknown_name_error("kind of choice", kind, kinds)
    console = Console()
    for shelf in SHELVES:
        if kind in (None, shelf.kind):
            console.print(_tabulate(shelf))
    if kind in (None, "recipe"):
        console.print(_tabulate_recipes())


def _tabulate(shelf: Any) -> Table:  # noqa: ANN401 - shelves of every contract
    table = Table("name", "settings", "what it is", title=f"{shelf.kind}s", title_justify="left", expand=True)
    for name in shelf.names():
        choice = shelf.load(name)
        lines = (f"{setting} = {default!r}  {words}" for setting, default, words in list_settings(choice))
        table.add_row(name, "\n".join(lines), _describe(choice))
    return table


def _describe(choice: type) -> str:
    """Return the first line of the docstring; for a measure also its sentence and its unit."""
    summary = (inspect.getdoc(choice) or "").splitlines()[0]
    return f"{summary} {choice.sentence} Unit: {choice.unit}." if issubclass(choice, Measure) else summary


def list_settings(choice: type) -> list[tuple[str, Any, str]]:
    """Return name, default and description of each setting of a choice, in order."""
    if not dataclasses.is_dataclass(choice):
        return []
    hints = get_type_hints(choice, include_extras=True)
    return [(field.name, _get_default(field), _get_words(hints[field.name])) for field in dataclasses.fields(choice)]


def _get_words(hint: Any) -> str:  # noqa: ANN401 - any type hint
    return next((note.description for note in getattr(hint, "__metadata__", ())), "") or ""


def _get_default(field: Any) -> Any:  # noqa: ANN401 - any default
    """Return the default of a field; pydantic keeps some of them in its own description of the field."""
    return getattr(field.default, "default", field.default)


def _tabulate_recipes() -> Table:
    table = Table("name", "what it is", title="recipes", title_justify="left", expand=True)
    for name in recipe_names():
        table.add_row(f"{name} (used if none is named)" if name == DEFAULT else name, Recipe.named(name).description)
    return table
