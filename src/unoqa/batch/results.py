"""A results folder: whose it is, and whether it may be written to."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from unoqa.core.errors import ResultsError
from unoqa.store.journal import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


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
    if (folder / FOLDER).is_dir() or not any(folder.iterdir()):
        return
    facts = _facts(folder)
    if facts is None:
        raise ResultsError(f"{folder} holds something that is not a result of unoqa; name a new folder.")
    if facts.get("model") != model:
        raise ResultsError(f"{folder} holds the results of another model; name a new folder.")
    if facts.get("images") != images:
        raise ResultsError(f"{folder} holds the results of other images; name a new folder.")


def fingerprint(names: Iterable[str]) -> str:
    """Return a SHA-256 that stands for a set of image names without telling them."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def _facts(folder: Path) -> dict[str, object] | None:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
