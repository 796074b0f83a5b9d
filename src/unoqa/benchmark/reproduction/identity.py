"""Which images the tables of a folder are of, so that those of other images are not replaced without a word."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from unoqa.core.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unoqa.benchmark.datasets import Study

FACTS = "reproduction.json"
"""The file of the facts that the report begins with."""


def describe_images(studies: Iterable[Study]) -> str:
    """Return how many images there are, and a digest of their names, whatever the seed and the grades."""
    names = []
    for study in studies:
        names += [f"{study.name}/{image.name}" for image in study.fit]
        graded = (*study.test, *study.external, *study.validation)
        names += [f"{study.name}/{image.reference.name}" for image in graded]
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    return f"{len(names)}, SHA-256 of names {digest}"


def refuse_other_images(folder: Path, images: str) -> None:
    """Check that the tables of the folder, if there are any, are of these images.

    Raises:
        ResultsError: they are of others.
    """
    path = folder / FACTS
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["images"]
    except (FileNotFoundError, NotADirectoryError):
        return
    except (ValueError, LookupError, TypeError):
        kept = "unknown"
    if kept != images:
        raise ResultsError(f"{folder} holds the tables of other images; name a new folder.")
