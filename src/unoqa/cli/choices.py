"""List every choice on every shelf with its settings.

What a recipe may name: encoders, low-quality modules, thresholds, reductions, clusterings; the recipes that come
with the package; and what unoqa reproduce compares with: data sets and supervised references.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from unoqa.benchmark.datasets import DATASETS
from unoqa.benchmark.supervised import REFERENCES
from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import unknown
from unoqa.encoders import ENCODERS
from unoqa.encoders.measures import MEASURES
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.formats import FORMATS
from unoqa.grader.recipe import DEFAULT, Recipe, recipe_names
from unoqa.lowquality import MODULES
from unoqa.outputs import OUTPUTS
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

SHELVES = (FORMATS, ENCODERS, MEASURES, MODULES, THRESHOLDS, REDUCTIONS, CLUSTERINGS, OUTPUTS, DATASETS, REFERENCES)


def choices(
    shelf: Annotated[str | None, typer.Argument(help="Only this kind, such as encoder.", show_default=False)] = None,
) -> None:
    """Print the shelves."""
    shelf = shelf.removesuffix("s") if shelf else None
    kinds = [*(one.kind for one in SHELVES), "recipe"]
    if shelf is not None and shelf not in kinds:
        raise unknown("shelf", shelf, kinds)
    console = Console()
    for one in SHELVES:
        if shelf in (None, one.kind):
            console.print(_table(one))
    if shelf in (None, "recipe"):
        console.print(_recipes())


def _table(shelf: Any) -> Table:  # noqa: ANN401 - shelves of every contract
    table = Table("name", "settings", "what it is", title=f"{shelf.kind}s", title_justify="left", expand=True)
    for name in shelf.names():
        choice = shelf.load(name)
        table.add_row(name, _settings(choice), _what_it_is(choice))
    return table


def _what_it_is(choice: type) -> str:
    """Return the first line of its description, and of a measure what it tells a reader, and in which unit."""
    described = (inspect.getdoc(choice) or "").splitlines()[0]
    return f"{described} {choice.sentence} Unit: {choice.unit}." if issubclass(choice, Measure) else described


def _settings(choice: type) -> str:
    if not dataclasses.is_dataclass(choice):
        return ""
    hints = get_type_hints(choice, include_extras=True)
    lines = []
    for field in dataclasses.fields(choice):
        about = next((note.description for note in getattr(hints[field.name], "__metadata__", ())), "") or ""
        lines.append(f"{field.name} = {_default(field)!r}  {about}")
    return "\n".join(lines)


def _default(field: Any) -> Any:  # noqa: ANN401 - any default
    """Return a field's default; pydantic keeps some inside its own field description."""
    return getattr(field.default, "default", field.default)


def _recipes() -> Table:
    table = Table("name", "what it is", title="recipes", title_justify="left", expand=True)
    for name in recipe_names():
        table.add_row(f"{name} (used where none is named)" if name == DEFAULT else name, Recipe.named(name).description)
    return table
