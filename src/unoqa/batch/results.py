"""A results folder: whose it is, and whether it may be written to."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

from unoqa.core.errors import ResultsError
from unoqa.outputs.heat import HEAT, heat_path
from unoqa.store.files import is_empty, remove_partial
from unoqa.store.journal import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MADE_LATER = ("cohort.png", "evaluation.md", "evaluation.json")
"""What is made of the grades after a run, and says nothing of the next one's."""


def claim(folder: Path, model: str, images: str) -> None:
    """Make the folder ready for a run.

    Args:
        model: checksum of the model.
        images: fingerprint of the images' names.

    Raises:
        ResultsError: the folder holds something else, or results of another model or of other images.
    """
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder for the results.")
    folder.mkdir(parents=True, exist_ok=True)
    facts = _facts(folder)
    if facts is None:
        if (folder / FOLDER).is_dir() or is_empty(folder):
            return
        raise ResultsError(f"{folder} holds something that is not a result of unoqa; name a new folder.")
    if facts.get("model") != model:
        raise ResultsError(f"{folder} holds the results of another model; name a new folder.")
    if facts.get("images") != images:
        raise ResultsError(f"{folder} holds the results of other images; name a new folder.")


def remove_stale(folder: Path, failed: Iterable[str], *, heat: bool) -> None:
    """Remove what an earlier run left that the new grades, about to be written, would belie.

    Args:
        failed: names of the images that have no overlay.
        heat: whether the run makes overlays; those of its other images are its own.
    """
    for name in MADE_LATER:
        (folder / name).unlink(missing_ok=True)
    if not heat and (folder / HEAT).is_dir():
        shutil.rmtree(folder / HEAT)
    for name in failed:
        heat_path(folder, name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left half written."""
    remove_partial([*folder.glob("*.part"), *(folder / HEAT).rglob("*.part")])


def fingerprint(names: Iterable[str]) -> str:
    """Return a SHA-256 that stands for a set of image names without telling them."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def _facts(folder: Path) -> dict[str, object] | None:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None
