"""Motion: the eye moved between scan lines, so that vessels are torn, doubled or crossed by streaks."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage


@final
class Motion(Damage):
    """Bands of lines that are displaced, doubled and edged by bright streaks."""

    frequency: ClassVar[float] = 3.0
    stage: ClassVar[int] = 3
    measures: ClassVar[tuple[str, ...]] = ("row_steps", "column_steps", "displaced_rows", "displaced_columns")

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Move the bands one after the other; in three of ten scans the bands are columns."""
        upright = bool(rng.random() < 0.3)
        moved = pixels.T.copy() if upright else pixels.copy()
        mask = np.zeros(moved.shape, dtype=bool)
        if severity > 0:
            for start, end in _draw_bands(len(moved), severity, rng):
                _move_band(moved, slice(start, end), severity, rng)
                mask[start:end] = True
        return (moved.T, mask.T) if upright else (moved, mask)


def _draw_bands(size: int, severity: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw bands that do not overlap; their share of the field is about seven tenths of the severity."""
    count = 1 + round(7 * severity)
    share = 0.7 * severity**0.85
    heights = rng.dirichlet(np.full(count, 3.0)) * share * size
    gaps = rng.dirichlet(np.full(count + 1, 1.5)) * (1 - share) * size
    ends = np.cumsum(gaps[:-1] + heights)
    starts, lengths = np.rint(ends - heights).astype(int), np.maximum(np.rint(heights).astype(int), 2)
    return [(int(start), int(start + length)) for start, length in zip(starts, lengths, strict=True)]


def _move_band(
    pixels: Float32[np.ndarray, "size size"], rows: slice, severity: float, rng: np.random.Generator
) -> None:
    """Displace these rows of `pixels` in place, and add a streak to their first lines."""
    size = pixels.shape[1]
    band = pixels[rows].copy()
    shift = round((0.03 + 0.06 * severity) * size * rng.uniform(0.6, 1.4)) * (1 if rng.random() < 0.5 else -1)
    displaced = _shear(band, shift)
    pixels[rows] = (band + displaced) / 2 if rng.random() < 0.3 else displaced
    streak = rng.uniform(0.25, 0.6) * (1 if rng.random() < 0.65 else -0.5)
    fringe = np.exp(-np.arange(len(band)) / (1 + 5 * severity))[:, None]
    pixels[rows] = np.clip(pixels[rows] + streak * fringe * rng.uniform(0.5, 1, (1, size)), 0, 1)


def _shear(band: Float32[np.ndarray, "rows size"], shift: int) -> Float32[np.ndarray, "rows size"]:
    """Shift the first line by the whole shift and the last by half of it, as the eye drifts back."""
    size = band.shape[1]
    shifts = np.linspace(shift, shift / 2, len(band)).round().astype(int)[:, None]
    columns = np.clip(np.arange(size)[None, :] - shifts, -size, 2 * size - 1)
    # The movement brings pixels from outside the field into view: reflection continues the picture there.
    columns = np.where(columns < 0, -1 - columns, np.where(columns >= size, 2 * size - 1 - columns, columns))
    return np.take_along_axis(band, columns, axis=1)
