"""Off centre: the eye looked elsewhere, and the fovea stands near an edge or out of view."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from unoqa.benchmark.phantom.contract import Damage

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
class Offcentre(Damage):
    """The whole field moved by up to a little over half of the side."""

    frequency: ClassVar[float] = 0.4
    stage: ClassVar[int] = 0

    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Move the field, and continue the uncovered side by reflection."""
        size = len(pixels)
        angle, slant = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.9, 2) * rng.choice([-1, 1], 2)
        across, down = (round(0.54 * severity * size * part) for part in (np.cos(angle), np.sin(angle)))
        rows, columns = np.indices(pixels.shape) - np.array([down, across])[:, None, None]
        # A plain reflection shows as a kaleidoscope; slanted, vessels go on but the symmetry is gone.
        leaning = np.rint(slant[0] * _beyond(rows, size)), np.rint(slant[1] * _beyond(columns, size))
        moved = pixels[_reflected(rows + leaning[1], size), _reflected(columns + leaning[0], size)]
        return moved, np.full(pixels.shape, (across, down) != (0, 0))


def _beyond(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return how far outside the field a place lies."""
    return np.maximum(0, np.maximum(-places, places - size + 1))


def _reflected(places: NDArray[np.floating], size: int) -> NDArray[np.int64]:
    folded = places.astype(np.int64) % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)
