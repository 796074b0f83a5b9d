"""Doubling: the eye moved during averaging, and every vessel is seen twice."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Doubling(Damage):
    """The mean of the scan and a copy of it at an offset."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 3
    measures: ClassVar[tuple[str, ...]] = ("doubled",)

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Move the copy by up to 48 pixels of 320 in any direction; its edges are continued by reflection."""
        length, angle = 0.15 * severity * len(pixels), rng.uniform(0, 2 * np.pi)
        down, across = round(length * np.sin(angle)), round(length * np.cos(angle))
        reach = max(abs(down), abs(across))
        padded = np.pad(pixels, reach, mode="symmetric")
        rows, columns = (slice(reach + offset, reach + offset + len(pixels)) for offset in (down, across))
        return (pixels + padded[rows, columns]) / 2, np.full(pixels.shape, reach > 0)
