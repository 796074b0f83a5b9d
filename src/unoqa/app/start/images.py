"""The images in a folder: how many a command would read, and one of them to look at."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from PIL import Image

from unoqa.core.errors import UsageError
from unoqa.formats import collect, read
from unoqa.formats.parts.folder import Role, walk_folder
from unoqa.formats.parts.kinds import has_image_suffix

if TYPE_CHECKING:
    from unoqa.web.roots import Root

MOST_COUNTED = 20_000
"""Files that are looked at to count images of the folders that a person chooses among."""

MOST_NAMED = 5
"""Subfolders that are named of a folder whose images are to be read."""

LONGEST_SIDE = 2048
"""Pixels of a picture; larger images are reduced."""


@final
class Count:
    """Counts images by the names of files, in as many files as there is time for."""

    def __init__(self, most: int = MOST_COUNTED) -> None:
        self._left = most

    def add(self, folder: Path) -> dict[str, Any]:
        """Return how many images a folder holds: directly in it, at any depth; and whether all were counted."""
        direct = deep = 0
        for entry in walk_folder(folder, follow_links=False):
            self._left -= 1
            if self._left < 0:
                return {"direct": direct, "images": direct + deep, "all": False}
            if entry.role is Role.FILE and has_image_suffix(entry.path.name):
                direct, deep = (direct + 1, deep) if entry.path.parent == folder else (direct, deep + 1)
        return {"direct": direct, "images": direct + deep, "all": True}


def describe_images(root: Root, relative: str) -> dict[str, Any]:
    """Return how many images a command would read that is given a folder, and in which subfolders they lie.

    Raises:
        UsageError: there is none, or the folder is not below the one that was opened.
    """
    folder = root.find(relative)
    places = [one.path.relative_to(folder).parts for one in collect([folder]).references]
    below = Counter(parts[0] for parts in places if len(parts) > 1)
    return {
        "images": len(places),
        "direct": len(places) - below.total(),
        "folders": [{"name": name, "images": count} for name, count in below.most_common(MOST_NAMED)],
        "more": max(0, len(below) - MOST_NAMED),
    }


def draw_picture(root: Root, relative: str) -> bytes:
    """Return an image below the folder as a PNG, from its darkest to its brightest number.

    Raises:
        UsageError: there is no such file.
        ImageError: it is no image.
    """
    path = root.find(relative)
    if not path.is_file():
        raise UsageError(f"There is no image {relative!r} any more; reload the page.")
    pixels = read(collect([path]).references[0]).pixels.astype(np.float64)
    low, high = float(pixels.min()), float(pixels.max())
    picture = Image.fromarray(np.rint(255 * (pixels - low) / ((high - low) or 1.0)).astype(np.uint8))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=1)
    return file.getvalue()
