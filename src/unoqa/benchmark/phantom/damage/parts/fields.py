"""Smooth random fields, and blending a region of a scan with another picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy.ndimage import gaussian_filter

from unoqa.benchmark.phantom.eye import make_pixel_grid

MIN_WEIGHT = 0.04
"""Below this weight no difference is visible: the pixel counts as undamaged and keeps its value."""


def blend(
    pixels: Float32[np.ndarray, "size size"],
    other: Float[np.ndarray, "size size"],
    weight: Float32[np.ndarray, "size size"],
) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
    """Mix `other` into `pixels` by weight, and return the mask of changed pixels; small weights count as 0."""
    mask = weight > MIN_WEIGHT
    mixed = np.where(mask, pixels + weight * (other - pixels), pixels)
    return np.clip(mixed, 0, 1).astype(np.float32), mask


def draw_patch(size: int, share: float, rng: np.random.Generator) -> Float32[np.ndarray, "size size"]:
    """Draw a weight: 1 over about this share of the field, 0 elsewhere, with a soft, irregular outline.

    The pixels are ranked to meet the share, so that a larger share always covers what a smaller one covers.
    """
    x, y = make_pixel_grid(size)
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9, 2)
    slope = np.cos(angle) * x + np.sin(angle) * y
    blob = -np.hypot(x - centre[0], y - centre[1])
    form = (slope if rng.random() < 0.5 else 1.3 * blob) + 0.12 * draw_smooth_noise(size, 0.09, rng)
    sample = form[:: max(1, size // 64), :: max(1, size // 64)]
    edge = float(np.quantile(sample, 1 - min(share, 1.0)))
    # A share of 1 leaves no soft rim inside the field, a share of 0 leaves no rim at all.
    depth = (form - edge) / 0.24 + (2 * share - 1) * 0.5
    return np.clip(0.5 + depth, 0, 1).astype(np.float32) if share > 0 else np.zeros_like(x)


def draw_smooth_noise(size: int, width: float, rng: np.random.Generator) -> Float32[np.ndarray, "size size"]:
    """Draw smooth noise with standard deviation 1; `width` is the size of its clouds, as a fraction of the side."""
    noise = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), width * size, truncate=2.5)
    return np.asarray(noise / noise.std(), dtype=np.float32)
