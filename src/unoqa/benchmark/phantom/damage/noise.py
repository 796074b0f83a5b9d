"""Noise: speckle and streaks as bright as the capillaries that they hide."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import blend, draw_patch


@final
class Noise(Damage):
    """Grain in place of capillaries over part of the field; large vessels stay visible."""

    frequency: ClassVar[float] = 2.0
    stage: ClassVar[int] = 2
    measures: ClassVar[tuple[str, ...]] = ("capillaries_to_noise", "speckle", "capillary_signal")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Replace fine structure by grain of the same local brightness."""
        grain = rng.standard_gamma(0.8, pixels.shape, dtype=np.float32) / np.float32(0.8)
        if rng.random() < 0.4:
            grain = _smear(grain)
        wide = gaussian_filter(pixels, 2.2 * len(pixels) / 320)
        weight = draw_patch(len(pixels), 0.1 + 0.9 * severity, rng) if severity > 0 else np.zeros_like(pixels)
        return blend(pixels, wide * grain, weight * np.float32(min(1.0, 0.35 + 0.6 * severity)))


def _smear(grain: Float32[np.ndarray, "size size"]) -> Float32[np.ndarray, "size size"]:
    """Smear grain along the scan lines, and keep its standard deviation."""
    smeared = gaussian_filter1d(grain, 2.5, axis=1) + 0.35 * grain - 1.35
    return np.asarray(np.maximum(0.0, 1 + smeared * grain.std() / smeared.std()), dtype=np.float32)
