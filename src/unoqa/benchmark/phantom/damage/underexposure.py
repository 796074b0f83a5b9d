"""Underexposure: too little light came back from everywhere."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Underexposure(Damage):
    """All is darker by the same factor."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 2
    measures: ClassVar[tuple[str, ...]] = ("brightness", "vessel_signal", "capillary_signal", "black_area")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Take away up to nine tenths of the brightness."""
        del rng
        return (pixels * np.float32(1 - 0.9 * severity)).astype(np.float32), np.full(pixels.shape, severity > 0)
