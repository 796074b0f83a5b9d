"""Saturation: the display was set too bright, and the brightest vessels are all white."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Saturation(Damage):
    """All is brighter, and a part of the pixels is white."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 2
    measures: ClassVar[tuple[str, ...]] = ("saturation",)

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Let up to 60 % of the pixels be white."""
        del rng
        white = max(float(np.quantile(pixels, 1 - 0.6 * severity)), 0.05)
        return np.clip(pixels / white, 0, 1).astype(np.float32), np.full(pixels.shape, white < 1)
