"""The pictures of a page: a thumbnail of each image and its heat, within the bytes that a page may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import imagecodecs

from unoqa.core.parallel import map_in_order
from unoqa.report.images import Preparation, find_preparation, load_image
from unoqa.report.thumbnails import make_heat_layer, make_thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.report.cohort import Scan
    from unoqa.store.results import ImageEntry, Results

BYTES_PER_IMAGE = 30_000
"""Of a page's text, for one image: 15 MB for 500 images."""

MOST_BYTES = 60_000_000
"""Of a page's text, for all images."""

SIDE = 320
"""Pixels of the longer side of a thumbnail, at most."""

WORDS_BYTES = 1_500
"""Of those of an image, for what is said of it."""

HEAT_BYTES = 2_200
"""Of those of an image, for its heat layer."""


@final
@dataclass(frozen=True)
class Picture:
    """One image on a page: a JPEG, and its heat as a PNG; empty where there is none."""

    thumbnail: bytes = b""
    heat: bytes = b""


def make_pictures(results: Results, scans: Sequence[Scan], *, images: Path | None = None) -> Iterator[Picture]:
    """Yield the pictures of these images, in their order; an image that could not be read has none.

    Raises:
        ResultsError: an image can no longer be found.
    """
    most = find_thumbnail_bytes(len(scans))
    tasks = [
        None
        if scan.grading.score is None
        else _Task(
            results.entry(scan.grading.image, images=images),
            results.heat_path(scan.grading.image),
            most,
            find_preparation(results, scan.grading.image),
        )
        for scan in scans
    ]
    with map_in_order(_make, tasks) as pictures:
        yield from pictures


def find_thumbnail_bytes(images: int) -> int:
    """Return the bytes that the thumbnail of each of so many images may have; three bytes are four in base64."""
    whole = min(BYTES_PER_IMAGE, MOST_BYTES // max(images, 1))
    return max(2_000, (whole - WORDS_BYTES) * 3 // 4 - HEAT_BYTES)


@final
@dataclass(frozen=True)
class _Task:
    entry: ImageEntry
    overlay: Path
    most_bytes: int
    preparation: Preparation


def _make(task: _Task | None) -> Picture:
    if task is None:
        return Picture()
    pixels = load_image(task.entry, task.preparation).pixels
    thumbnail = make_thumbnail(pixels, side=SIDE, most_bytes=task.most_bytes)
    if not task.overlay.is_file():
        return Picture(thumbnail)
    return Picture(thumbnail, make_heat_layer(imagecodecs.png_decode(task.overlay.read_bytes())))
