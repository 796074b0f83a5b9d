"""The commands behind the buttons: the very words that a terminal would be given."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, final

from pydantic import BaseModel, ConfigDict

from unoqa.core.errors import UsageError
from unoqa.grader.recipe import DEFAULT, recipe_names

if TYPE_CHECKING:
    from unoqa.web.roots import Root


@final
class Wish(BaseModel):
    """What a person wants, with folders named below the one that was opened.

    Attributes:
        action: `demo`, `fit`, `grade`, `settle` or `report`.
        images: folder of images; of a fit, outstanding ones.
        model: model folder, to grade or to settle.
        output: folder to make; of a report, results that there are.
    """

    model_config = ConfigDict(extra="forbid")

    action: str
    images: str = ""
    model: str = ""
    output: str = ""
    recipe: str = DEFAULT


def make_command(root: Root, wish: Wish) -> list[str]:
    """Return the words after `unoqa`; paths are relative to the folder that was opened.

    Raises:
        UsageError: something is not chosen yet, does not exist or lies outside the folder.
    """
    if wish.action == "report":
        return ["report", _name(root, wish.output, "results", exists=True)]
    output = _name(root, wish.output, "a name for the new folder")
    if wish.action == "demo":
        return ["demo", output]
    images = _name(root, wish.images, "the folder of images", exists=True)
    if wish.action == "fit":
        if wish.recipe not in recipe_names():
            raise UsageError(f"There is no recipe {wish.recipe!r}; choose one of the list.")
        return ["fit", images, "-o", output, *([] if wish.recipe == DEFAULT else ["--recipe", wish.recipe])]
    if wish.action in ("grade", "settle"):
        model = _name(root, wish.model, "a model", exists=True)
        return [wish.action, images, "-m", model, "-o", output]
    raise UsageError(f"There is nothing to do that is called {wish.action!r}.")


def show_command(words: list[str]) -> str:
    """Return a command as a person types it on this system."""
    whole = ["unoqa", *words]
    return subprocess.list2cmdline(whole) if os.name == "nt" else shlex.join(whole)


def _name(root: Root, relative: str, what: str, *, exists: bool = False) -> str:
    """Return a path for the command line; `.` is the folder that was opened."""
    path = root.find(relative.strip())
    if not relative.strip() or (path == root.folder and not exists):
        raise UsageError(f"Choose {what}.")
    if exists and not path.is_dir():
        raise UsageError(f"There is no folder {relative!r} any more; choose {what}.")
    name = root.name(path) or "."
    return f"./{name}" if name.startswith("-") else name
