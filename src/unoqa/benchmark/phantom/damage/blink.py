"""Blink: the lid closed or the eye moved away, and part of the field was never scanned."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.eye import make_pixel_grid


@final
class Blink(Damage):
    """A missing band, strip, block or corner; its share of the field is half the severity."""

    frequency: ClassVar[float] = 1.5
    stage: ClassVar[int] = 4
    measures: ClassVar[tuple[str, ...]] = ("missing_area", "black_area")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Replace the region by the device's dark noise."""
        size = len(pixels)
        mask = _draw_region(size, 0.5 * severity, rng) if severity > 0 else np.zeros(pixels.shape, dtype=bool)
        dark = 0.02 * rng.standard_gamma(1.0, pixels.shape)
        # A lost line still scatters light: real missing bands show short bright dashes.
        lines = (rng.random((size, 1)) < 0.12) & (rng.random((size, size)) < 0.2)
        return np.where(mask, np.clip(dark + 0.5 * lines * pixels, 0, 1), pixels).astype(np.float32), mask


def _draw_region(size: int, share: float, rng: np.random.Generator) -> Bool[np.ndarray, "size size"]:
    x, y = make_pixel_grid(size)
    ragged = np.float32(0.012) * rng.standard_normal((size, 1)).astype(np.float32)
    kind, place = int(rng.integers(4)), float(rng.random())
    if kind == 0:
        return np.asarray(np.abs(y - place * (1 - share) - share / 2) < share / 2)
    x, y = (x if rng.random() < 0.5 else 1 - x) + ragged * min(1.0, 8 * share), y if place < 0.5 else 1 - y
    if kind == 1:
        return np.asarray(x < share)
    if kind == 2:
        return np.asarray((x < share**0.5) & (y < share**0.5))
    return np.asarray(x + y < (2 * share) ** 0.5)
