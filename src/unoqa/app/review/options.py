"""How images are reviewed, and the record of those results that a request names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.store.results import Results
from unoqa.store.results.database import RECORD

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.web.roots import Root


@final
@dataclass(frozen=True)
class ReviewOptions:
    """How images are reviewed.

    Attributes:
        reader: who reviews; empty to ask on the page.
        blind: whether what others say is hidden from every reader who has not graded the image.
        images: folder where the images lie now; None if they lie where they were graded.
    """

    reader: str = ""
    blind: bool = False
    images: Path | None = None


def open_record(root: Root, results: str) -> Results:
    """Open the record of results below a folder."""
    folder = root.find(results)
    root.follow(folder / RECORD)  # a link would lead to another folder's record
    return Results.open(folder)
