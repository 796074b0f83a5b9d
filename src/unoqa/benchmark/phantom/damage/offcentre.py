"""Off centre: the eye looked elsewhere, and the fovea is near an edge or out of view."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from unoqa.benchmark.phantom.contract import Damage


@final
class Offcentre(Damage):
    """The whole field moves, by up to a little over half of its side."""

    frequency: ClassVar[float] = 0.4
    stage: ClassVar[int] = 0
    measures: ClassVar[tuple[str, ...]] = ("centring",)

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Move the field, and continue the uncovered side by reflection."""
        size = len(pixels)
        angle, slant = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.9, 2) * rng.choice([-1, 1], 2)
        across, down = (round(0.54 * severity * size * part) for part in (np.cos(angle), np.sin(angle)))
        rows, columns = np.indices(pixels.shape) - np.array([down, across])[:, None, None]
        # A plain reflection looks like a kaleidoscope; a slanted one continues the vessels without the symmetry.
        leaning = (
            np.rint(slant[0] * _measure_overshoot(rows, size)),
            np.rint(slant[1] * _measure_overshoot(columns, size)),
        )
        moved = pixels[_reflect(rows + leaning[1], size), _reflect(columns + leaning[0], size)]
        return moved, np.full(pixels.shape, (across, down) != (0, 0))


def _measure_overshoot(positions: Int[np.ndarray, "size size"], size: int) -> Int[np.ndarray, "size size"]:
    """Return how far outside the field each position lies, in pixels; 0 inside."""
    return np.maximum(0, np.maximum(-positions, positions - size + 1))


def _reflect(positions: Float[np.ndarray, "size size"], size: int) -> Int[np.ndarray, "size size"]:
    """Return positions inside the field, mirrored at its edges."""
    folded = positions.astype(np.int64) % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)
