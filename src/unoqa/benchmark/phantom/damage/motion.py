"""Motion: the eye moved between lines, so that vessels are torn, doubled or crossed by streaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from unoqa.benchmark.phantom.contract import Damage

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
class Motion(Damage):
    """Bands of lines that are displaced, doubled and fringed by bright lines."""

    frequency: ClassVar[float] = 3.0
    stage: ClassVar[int] = 3

    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Move bands one after the other; half of the eyes drift along the other axis."""
        upright = bool(rng.random() < 0.3)
        moved = pixels.T.copy() if upright else pixels.copy()
        mask = np.zeros(moved.shape, dtype=bool)
        if severity > 0:
            for start, end in _bands(len(moved), severity, rng):
                _move(moved, slice(start, end), severity, rng)
                mask[start:end] = True
        return (moved.T, mask.T) if upright else (moved, mask)


def _bands(size: int, severity: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Choose bands that do not overlap and together take seven tenths of about the severity's share."""
    count = 1 + round(7 * severity)
    share = 0.7 * severity**0.85
    heights = rng.dirichlet(np.full(count, 3.0)) * share * size
    gaps = rng.dirichlet(np.full(count + 1, 1.5)) * (1 - share) * size
    ends = np.cumsum(gaps[:-1] + heights)
    starts, lengths = np.rint(ends - heights).astype(int), np.maximum(np.rint(heights).astype(int), 2)
    return [(int(start), int(start + length)) for start, length in zip(starts, lengths, strict=True)]


def _move(moved: NDArray[np.float32], rows: slice, severity: float, rng: np.random.Generator) -> None:
    size = moved.shape[1]
    band = moved[rows].copy()
    shift = round((0.03 + 0.06 * severity) * size * rng.uniform(0.6, 1.4)) * (1 if rng.random() < 0.5 else -1)
    displaced = _sheared(band, shift, size)
    moved[rows] = (band + displaced) / 2 if rng.random() < 0.3 else displaced
    streak = rng.uniform(0.25, 0.6) * (1 if rng.random() < 0.65 else -0.5)
    fringe = np.exp(-np.arange(len(band)) / (1 + 5 * severity))[:, None]
    moved[rows] = np.clip(moved[rows] + streak * fringe * rng.uniform(0.5, 1, (1, size)), 0, 1)


def _sheared(band: NDArray[np.float32], shift: int, size: int) -> NDArray[np.float32]:
    """Shift the first line fully and the last one by half, as the eye drifts back."""
    shifts = np.linspace(shift, shift / 2, len(band)).round().astype(int)[:, None]
    places = np.clip(np.arange(size)[None, :] - shifts, -size, 2 * size - 1)
    # Lines that the movement brought into view continue the picture by reflection.
    places = np.where(places < 0, -1 - places, np.where(places >= size, 2 * size - 1 - places, places))
    return np.take_along_axis(band, places, axis=1)
