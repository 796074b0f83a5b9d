"""Displacement: the eye jumped, and all that was scanned after the jump lies further to one side."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Displacement(Damage):
    """The field below one row, or right of one column, moves along it: vessels break off there and go on beside."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 3
    measures: ClassVar[tuple[str, ...]] = ("displaced_rows", "displaced_columns")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Move by up to 40 pixels of 320; the uncovered side is continued by reflection."""
        size = len(pixels)
        upright, start = bool(rng.random() < 0.3), round(rng.uniform(0.3, 0.6) * size)
        shift = round(0.125 * severity * size)
        moved = pixels.T.copy() if upright else pixels.copy()
        mask = np.zeros(pixels.shape, dtype=bool)
        if shift > 0:
            padded = np.pad(moved[start:], ((0, 0), (shift, shift)), mode="symmetric")
            first = 0 if rng.random() < 0.5 else 2 * shift
            moved[start:] = padded[:, first : first + size]
            mask[start:] = True
        return (moved.T, mask.T) if upright else (moved, mask)
