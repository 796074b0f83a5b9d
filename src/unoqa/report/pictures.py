"""The pictures of a page: a thumbnail of each image and its heat, within the bytes that a page may have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import imagecodecs
import numpy as np
from jaxtyping import UInt8

from unoqa.core.errors import ResultsError
from unoqa.core.parallel import map_in_order
from unoqa.report.images import find_preparations, load_image
from unoqa.report.thumbnails import make_thumbnail, make_thumbnail_and_layer
from unoqa.store.results.places import find_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.report.cohort import Scan
    from unoqa.store.results import Results

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
    most, entries, preparations = find_thumbnail_bytes(len(scans)), results.entries(), find_preparations(results)
    root = results.read_meta("root", "")

    def make(scan: Scan) -> Picture:
        """An image that has an overlay is not read again: it is in the overlay, as the model saw it."""
        if scan.grading.score is None:
            return Picture()
        overlay = results.heat_path(scan.grading.image)
        if overlay.is_file():
            return Picture(*make_thumbnail_and_layer(_read_overlay(overlay), side=SIDE, most_bytes=most))
        entry = entries[scan.position]
        place = find_place(results.folder, entry, root, images)
        image = load_image(replace(entry, path=str(place)), preparations[scan.position])
        return Picture(make_thumbnail(image.pixels, side=SIDE, most_bytes=most))

    with map_in_order(make, scans) as pictures:
        yield from pictures


def _read_overlay(path: Path) -> UInt8[np.ndarray, "rows columns 3"]:
    try:
        overlay = imagecodecs.png_decode(path.read_bytes())
    except imagecodecs.PngError as error:
        raise ResultsError(f"{path} is damaged ({error}); remove it and grade the images again.") from error
    if overlay.ndim != 3 or overlay.shape[-1] != 3:
        raise ResultsError(f"{path} is no overlay of unoqa; remove it and grade the images again.")
    return overlay


def find_thumbnail_bytes(images: int) -> int:
    """Return the bytes that the thumbnail of each of so many images may have; three bytes are four in base64."""
    whole = min(BYTES_PER_IMAGE, MOST_BYTES // max(images, 1))
    return max(2_000, (whole - WORDS_BYTES) * 3 // 4 - HEAT_BYTES)
