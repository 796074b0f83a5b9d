"""The commands behind the buttons: the very words that a terminal would be given."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, final

from pydantic import BaseModel, ConfigDict

from unoqa.core.errors import ResultsError, UsageError
from unoqa.grader.recipe import DEFAULT, recipe_names
from unoqa.store.files import is_empty
from unoqa.store.results import Results

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.web.roots import Root


SLABS = ("superficial", "deep", "any")
"""Slabs that the page offers; a recipe says the first of them."""

UNMEASURED = ("report",)
"""Actions that do not tell how far they are."""


@final
class Wish(BaseModel):
    """What a person wants, with folders named below the one that was opened.

    Attributes:
        action: one of `ACTIONS`.
        images: folder of images; of `fit` and `qualify`, outstanding ones.
        model: model folder, to grade with, to settle or to qualify.
        output: folder to make; of a report, results that there are.
        slab: that the images show, of a fit.
        site: where the scans were made, and `scanner` what made them; of `qualify`.
    """

    model_config = ConfigDict(extra="forbid")

    action: str
    images: str = ""
    model: str = ""
    output: str = ""
    recipe: str = DEFAULT
    slab: str = SLABS[0]
    site: str = ""
    scanner: str = ""


def make_command(root: Root, wish: Wish) -> list[str]:
    """Return the words after `unoqa`; paths are relative to the folder that was opened.

    Raises:
        UsageError: something is not chosen yet, does not exist, exists already or lies outside the folder.
    """
    if wish.action not in ACTIONS:
        raise UsageError(f"There is nothing to do that is called {wish.action!r}.")
    return [wish.action, *ACTIONS[wish.action](root, wish)]


def _fit(root: Root, wish: Wish) -> list[str]:
    images, output = _name_images(root, wish), _name_new(root, wish)
    if wish.recipe not in recipe_names() or wish.slab not in SLABS:
        raise UsageError(f"There is no recipe {wish.recipe!r} or no slab {wish.slab!r}; choose one of the list.")
    recipe = [] if wish.recipe == DEFAULT else ["--recipe", wish.recipe]
    return [images, "-o", output, *recipe, *([] if wish.slab == SLABS[0] else ["--slab", wish.slab])]


def _use_model(root: Root, wish: Wish) -> list[str]:
    images, model = _name_images(root, wish), _name(root, wish.model, "a model", exists=True)
    return [images, "-m", model, "-o", _name_new(root, wish)]


def _qualify(root: Root, wish: Wish) -> list[str]:
    told = {"--site": wish.site.strip(), "--scanner": wish.scanner.strip()}
    return [*_use_model(root, wish), *(f"{option}={text}" for option, text in told.items() if text)]


def _demo(root: Root, wish: Wish) -> list[str]:
    return [_name(root, wish.output, "a name for the new folder")]


def _report(root: Root, wish: Wish) -> list[str]:
    return [_name(root, wish.output, "results", exists=True)]


ACTIONS = {
    "fit": _fit,
    "grade": _use_model,
    "settle": _use_model,
    "qualify": _qualify,
    "demo": _demo,
    "report": _report,
}
"""What the page can do: each makes the words of its command."""


def show_command(words: list[str]) -> str:
    """Return a command as a person types it on this system."""
    whole = ["unoqa", *words]
    return subprocess.list2cmdline(whole) if os.name == "nt" else shlex.join(whole)


def _name_images(root: Root, wish: Wish) -> str:
    return _name(root, wish.images, "the folder of images", exists=True)


def _name_new(root: Root, wish: Wish) -> str:
    """Return a folder to make; results of a run that was interrupted may be there, and are continued."""
    name = _name(root, wish.output, "a name for the new folder")
    path = root.folder / name
    if path.exists() and not (path.is_dir() and (is_empty(path) or _is_interrupted(path))):
        raise UsageError(f"There is {name!r} already; choose another name.")
    return name


def _is_interrupted(folder: Path) -> bool:
    try:
        with Results.open(folder) as results:
            return not results.finished
    except ResultsError:
        return False


def _name(root: Root, relative: str, what: str, *, exists: bool = False) -> str:
    """Return a path for the command line; `.` is the folder that was opened."""
    path = root.find(relative.strip())
    if not relative.strip() or (path == root.folder and not exists):
        raise UsageError(f"Choose {what}.")
    if exists and not path.is_dir():
        raise UsageError(f"There is no folder {relative!r} any more; choose {what}.")
    name = root.name(path) or "."
    return f"./{name}" if name.startswith("-") else name
