"""List what a recipe can name, with every setting.

A recipe names four things. Panel: pairs of an encoder and a low-quality module; their scores are combined. Threshold:
an image with a score above it is not outstanding. Reduction and clustering: together they split the images that are not
outstanding into gradable and ungradable. A measure is a channel of the encoder measures. The list also has what no
recipe names: formats, which are tried by themselves, outputs, which every run or unoqa export makes, executors, the
recipes of the package, and the data sets and supervised references of unoqa reproduce.

Examples:

  unoqa choices
  unoqa choices encoders
  unoqa choices recipes
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unoqa.batch.executors import EXECUTORS
from unoqa.benchmark.datasets import DATASETS
from unoqa.benchmark.supervised import REFERENCES
from unoqa.cli.parts.terminal import print_message
from unoqa.clusterings import CLUSTERINGS
from unoqa.core.catalog import Shelf
from unoqa.core.errors import unknown_name_error
from unoqa.core.packages import list_added
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
    kind = _find_kind(kind.removesuffix("s")) if kind else None
    kinds = [*(shelf.kind for shelf in SHELVES), "recipe"]
    if kind is not None and kind not in kinds:
        raise unknown_name_error("kind of choice", kind, kinds)
    console = Console()
    for shelf in SHELVES:
        if kind in (None, shelf.kind):
            usable, sentences = shelf.load_usable()
            console.print(_tabulate(shelf, usable))
            for sentence in sentences:
                print_message(sentence)
    if kind in (None, "recipe"):
        console.print(_tabulate_recipes())
    for sentence in () if kind else _find_misplaced():
        print_message(sentence)


def _find_kind(word: str) -> str:
    """Return the kind of choice that a word means: the kind itself, its last word, or the name of its shelf."""
    found = (one for one in SHELVES if word in (one.kind.split()[-1], one.package.split(".")[-1].removesuffix("s")))
    return word if word in [one.kind for one in SHELVES] else next((one.kind for one in found), word)


def _find_misplaced() -> Iterator[str]:
    """Yield a sentence for each choice of another package that no shelf takes."""
    shelves = [shelf.package for shelf in SHELVES]
    for one in list_added():
        if one.group not in shelves:
            near = get_close_matches(one.group, shelves, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(shelves)}."
            yield f"The choice {one} is left out: there is no group of entry points {one.group}; {hint}"


def _tabulate(shelf: Shelf[Any], usable: Mapping[str, type]) -> Table:
    table = Table("name", "settings", "what it is", title=f"{shelf.kind}s", title_justify="left", expand=True)
    for name, choice in usable.items():
        lines = (_format_setting(*one) for one in list_settings(choice))
        package = shelf.find_package(name)
        words = f"{_describe(choice)} Of the package {package}." if package else _describe(choice)
        table.add_row(name, escape("\n".join(lines)), escape(words))
    return table


def _format_setting(setting: str, default: Any, words: str) -> str:  # noqa: ANN401 - any default
    return f"{setting}  {words}" if default is dataclasses.MISSING else f"{setting} = {default!r}  {words}"


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
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return getattr(field.default, "default", field.default)


def _tabulate_recipes() -> Table:
    table = Table("name", "what it is", title="recipes", title_justify="left", expand=True)
    for name in recipe_names():
        table.add_row(f"{name} (used if none is named)" if name == DEFAULT else name, Recipe.named(name).description)
    return table
