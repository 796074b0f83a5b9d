"""Smooth fields, placed regions and their bookkeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

FADED = 0.04
"""Below this weight nobody sees a difference: the place counts as undamaged and stays as it is."""


def axes(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x and y of every pixel as fractions of the side."""
    down, across = np.indices((size, size))
    return np.asarray((across + 0.5) / size, np.float32), np.asarray((down + 0.5) / size, np.float32)


def blended(
    pixels: NDArray[np.float32], other: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Mix another picture in by weight, and say where; a faded weight counts as none."""
    mask = weight > FADED
    mixed = np.where(mask, pixels + weight * (other - pixels), pixels)
    return np.clip(mixed, 0, 1).astype(np.float32), mask


def patch(size: int, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Weigh about a share of the field by 1 and the rest by 0, with a soft, cloudy, one-sided outline.

    The share is met by ranking, so that a higher one always covers what a lower one does.
    """
    x, y = axes(size)
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9, 2)
    slope = np.cos(angle) * x + np.sin(angle) * y
    blob = -np.hypot(x - centre[0], y - centre[1])
    form = (slope if rng.random() < 0.5 else 1.3 * blob) + 0.12 * clouds(size, 0.09, rng)
    places = form[:: max(1, size // 64), :: max(1, size // 64)]
    edge = float(np.quantile(places, 1 - min(share, 1.0)))
    # A share of the whole must leave no soft rim inside the field, a share of nothing none at all.
    depth = (form - edge) / 0.24 + (2 * share - 1) * 0.5
    return np.clip(0.5 + depth, 0, 1).astype(np.float32) if share > 0 else np.zeros_like(x)


def clouds(size: int, width: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return smooth noise of unit spread whose clouds have this width as a fraction of the side."""
    noise = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), width * size, truncate=2.5)
    return np.asarray(noise / noise.std(), dtype=np.float32)
