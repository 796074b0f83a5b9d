"""Single numbers that any grader must beat; higher = worse."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


def low_pass_deviation(image: EnfaceImage, path: Path) -> float:
    """Return the standard deviation of the image blurred by 3 pixels, without a border of 8."""
    del path
    return float(gaussian_filter(image.resized(320), 3)[8:-8, 8:-8].std())


def darkness(image: EnfaceImage, path: Path) -> float:
    """Return how far the mean brightness lies below white."""
    del path
    return 1 - float(image.pixels.mean())


def small_file(image: EnfaceImage, path: Path) -> float:
    """Return minus the file's size: poor images compress well."""
    del image
    return -float(path.stat().st_size)


def random(image: EnfaceImage, path: Path) -> float:
    """Return a number that has nothing to do with the image, the same in every run."""
    del path
    return int.from_bytes(hashlib.sha256(image.name.encode()).digest()[:4]) / 2**32


BASELINES: dict[str, Callable[[EnfaceImage, Path], float]] = {
    "random number": random,
    "file size": small_file,
    "mean brightness": darkness,
    "deviation of the low-passed image": low_pass_deviation,
}
"""By the name shown in tables; the unused argument keeps their signatures alike."""
