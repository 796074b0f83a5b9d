"""Stretch: the eye moved along with the scan, which drew the same tissue again and again."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Stretch(Damage):
    """A band of rows shows a part of its tissue only, drawn out over the whole band."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 3

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Draw out up to seven times, over up to 45 % of the rows."""
        size = len(pixels)
        height, factor = round(0.45 * severity * size), 1 + 6 * severity
        start = int(rng.integers(0, size - height + 1))
        rows, mask = np.arange(size), np.zeros(pixels.shape, dtype=bool)
        rows[start : start + height] = start + (np.arange(height) / factor).astype(int)
        mask[start : start + height] = True
        return pixels[rows], mask
