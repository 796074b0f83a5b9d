"""Find the images of a data set, and show what was found if the layout is not as published."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from unoqa.benchmark.parts.grade_cells import describe_left_out
from unoqa.core.errors import DataSetError, UsageError
from unoqa.formats import collect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unoqa.formats import ImageReference

MAX_FOLDERS = 24
"""Maximum number of folders that a tree shows."""


def find_images(folder: Path, hint: str) -> tuple[ImageReference, ...]:
    """Find all images below a folder, sorted by name and named by their paths in it; none is decoded.

    Args:
        hint: where to find the data set and which layout is expected, for the error message.

    Raises:
        DataSetError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataSetError(f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}; {hint}")
    try:
        return collect([folder]).references
    except UsageError:
        raise DataSetError(f"{folder} holds no image; {hint}") from None


def format_tree(folder: Path, images: Iterable[ImageReference]) -> str:
    """Return the tree of the folders that lead to images, one a line, each with the number of its own images."""
    counts = Counter(image.path.relative_to(folder).parent for image in images)
    places = sorted({above for place in counts for above in (place, *place.parents)})
    lines = [
        "  " * len(place.parts)
        + (place.name or str(folder))
        + (f": {format_count(counts[place])}" if counts[place] else "")
        for place in places[:MAX_FOLDERS]
    ]
    more = [f"… and {len(places) - MAX_FOLDERS} more folders"] if len(places) > MAX_FOLDERS else []
    return "\n".join(lines + more)


def format_count(count: int) -> str:
    """Return `1 image`, `2 images` and so on."""
    return f"{count} image{'' if count == 1 else 's'}"


def note_left_out(images: int, rows: int) -> tuple[str, ...]:
    """Return one sentence about images without a label, and one about rows without a grade; none of none."""
    unlabelled = f"Left out: {format_count(images)} without a label." if images else ""
    return tuple(filter(None, (unlabelled, describe_left_out(rows))))
