"""Finding the images of a data set, and showing what was found where it is not as published."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from unoqa.core.errors import DataSetError, UsageError
from unoqa.formats import collect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unoqa.formats import ImageReference

LINES = 24
"""Folders that a tree shows at most."""


def images_below(folder: Path, hint: str) -> tuple[ImageReference, ...]:
    """Find all images of a folder, sorted by name and named by their paths in it; none is decoded.

    Args:
        hint: where the data set is found and what layout is expected, for the error's sentence.

    Raises:
        DataSetError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataSetError(f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}; {hint}")
    try:
        return collect([folder]).references
    except UsageError:
        raise DataSetError(f"{folder} holds no image; {hint}") from None


def tree(folder: Path, images: Iterable[ImageReference]) -> str:
    """Draw the folders that lead to images, each with how many lie in itself."""
    counts = Counter(image.path.relative_to(folder).parent for image in images)
    places = sorted({above for place in counts for above in (place, *place.parents)})
    lines = [
        "  " * len(place.parts)
        + (place.name or str(folder))
        + (f": {images_in(counts[place])}" if counts[place] else "")
        for place in places[:LINES]
    ]
    return "\n".join(lines + ([f"… and {len(places) - LINES} more folders"] if len(places) > LINES else []))


def images_in(count: int) -> str:
    """Return `1 image`, `2 images` and so on."""
    return f"{count} image{'' if count == 1 else 's'}"


def unlabelled(count: int) -> str:
    """Return one sentence on images that no label speaks of; none if there are none."""
    return f"{images_in(count)} without a label left out." if count else ""
