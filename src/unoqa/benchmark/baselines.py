"""Baselines: one simple number per image that every grader must beat; higher = worse."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


def low_pass_std(image: EnfaceImage, path: Path) -> float:
    """Blur the image by 3 pixels, cut off a border of 8 pixels, and return the standard deviation."""
    del path
    return float(gaussian_filter(image.resize(320), 3)[8:-8, 8:-8].std())


def darkness(image: EnfaceImage, path: Path) -> float:
    """Return 1 minus the mean brightness."""
    del path
    return 1 - float(image.pixels.mean())


def negative_file_size(image: EnfaceImage, path: Path) -> float:
    """Return minus the file size in bytes: poor images compress well."""
    del image
    return -float(path.stat().st_size)


def random_number(image: EnfaceImage, path: Path) -> float:
    """Return a number in [0, 1) that does not depend on the pixels and is the same in every run."""
    del path
    return int.from_bytes(hashlib.sha256(image.name.encode()).digest()[:4]) / 2**32


BASELINES: dict[str, Callable[[EnfaceImage, Path], float]] = {
    "random number": random_number,
    "file size": negative_file_size,
    "mean brightness": darkness,
    "std of the blurred image": low_pass_std,
}
"""The baselines by the name that tables show. All take image and path, so that callers can treat them alike."""
