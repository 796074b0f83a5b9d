"""Contrast: a veil lay over the field, and everything became grey."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import draw_smooth_noise


@final
class Contrast(Damage):
    """A cloudy veil over the whole field."""

    frequency: ClassVar[float] = 1.0
    measures: ClassVar[tuple[str, ...]] = ("contrast", "vessel_signal", "capillary_signal")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Move every pixel towards grey, by up to six sevenths of the difference."""
        mask = np.full(pixels.shape, severity > 0)
        veil = rng.uniform(0.8, 1.2) * pixels.mean() * (1 + 0.08 * draw_smooth_noise(len(pixels), 0.1, rng))
        washed_out = pixels + 0.86 * severity**0.8 * (veil - pixels)
        return np.where(mask, np.clip(washed_out, 0, 1), pixels).astype(np.float32), mask
