"""Blur: the beam was out of focus, and capillaries merged into haze."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import gaussian_filter

from unoqa.benchmark.phantom.contract import Damage


@final
class Blur(Damage):
    """A wider beam over the whole field; the detector's own grain stays sharp."""

    frequency: ClassVar[float] = 1.5
    measures: ClassVar[tuple[str, ...]] = ("defocus", "sharpness", "capillary_signal")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Blur by up to three pixels, for a scan of 320×320."""
        mask = np.full(pixels.shape, severity > 0)
        width = 2.8 * severity * len(pixels) / 320
        grain = rng.standard_normal(pixels.shape, dtype=np.float32)
        hazy = gaussian_filter(pixels, width) * (1 + 0.22 * min(1.0, width) * grain)
        return np.where(mask, np.clip(hazy, 0, 1), pixels).astype(np.float32), mask
