"""Shuffle: a mosaic that was put together wrongly."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage

SIDE = 8
"""Patches on each side of the field."""


@final
class Shuffle(Damage):
    """Square patches that change places."""

    frequency: ClassVar[float] = 0.0
    stage: ClassVar[int] = 3
    measures: ClassVar[tuple[str, ...]] = ("displaced_rows", "displaced_columns", "row_steps", "column_steps")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Let up to all of 64 patches change places, each with the next of them."""
        side = len(pixels) // SIDE
        shuffled, mask = pixels.copy(), np.zeros(pixels.shape, dtype=bool)
        chosen = rng.permutation(SIDE * SIDE)[: round(severity * SIDE * SIDE)]
        if len(chosen) > 1:
            for target, origin in zip(chosen.tolist(), np.roll(chosen, 1).tolist(), strict=True):
                shuffled[_cut(target, side)] = pixels[_cut(origin, side)]
                mask[_cut(target, side)] = True
        return shuffled, mask


def _cut(patch: int, side: int) -> tuple[slice, slice]:
    """Return the rows and columns of a patch, counted along the rows."""
    row, column = divmod(patch, SIDE)
    return slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
