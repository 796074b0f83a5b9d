"""The points by which images are clustered: a file of equally long rows beside the record."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, final

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

POINTS = "points.raw"
"""Name of the file in a results folder."""

MAX_IN_MEMORY = 20_000_000
"""Numbers of all points up to which `stack_points` holds them in memory: 40 MB in half precision."""


@final
class PointFile:
    """Rows of numbers in half or double precision, appended and read by their row.

    Attributes:
        width: numbers per row; 0 while there is none.
    """

    def __init__(self, folder: Path, width: int, dtype: str, rows: int) -> None:
        """Open the file.

        Args:
            rows: rows that the record knows; what a killed process wrote after them is overwritten.
        """
        self._path = folder / POINTS
        self.width = width
        self.dtype = np.dtype(dtype)
        self._rows = rows
        self._file: BinaryIO | None = None

    def append(self, point: Float[np.ndarray, " high"]) -> int:
        """Write a point, and return its row."""
        if self._file is None:
            self._file = self._open(point)
        self._file.write(point.astype(self.dtype).tobytes())
        self._rows += 1
        return self._rows - 1

    def flush(self) -> None:
        """Hand what was written to the system, before the record names it."""
        if self._file is not None:
            self._file.flush()

    def read(self, rows: Sequence[int]) -> list[Float[np.ndarray, " high"]]:
        """Return points; each is read from the file when it is used."""
        self.flush()
        if not len(rows):
            return []
        # A killed process may have left part of a row after those that the record knows.
        stored = np.asarray(np.memmap(self._path, dtype=self.dtype, mode="r", shape=(self._rows, self.width)))
        return [stored[row] for row in rows]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, point: Float[np.ndarray, " high"]) -> BinaryIO:
        if not self.width:
            self.width, self.dtype = len(point), np.dtype("<f2" if point.dtype == np.float16 else "<f8")
        self._path.touch()
        file = self._path.open("r+b")
        file.truncate(self._rows * self.width * self.dtype.itemsize)
        file.seek(0, 2)
        return file


def stack_points(points: Sequence[Float[np.ndarray, " high"]]) -> Float[np.ndarray, "points high"]:
    """Return points as the rows of one array; many lie in a temporary file, of which memory holds what is in use."""
    first = points[0]
    if len(points) * first.size <= MAX_IN_MEMORY:
        return np.stack(points)
    with tempfile.TemporaryFile() as file:
        for point in points:
            file.write(point.astype(first.dtype, copy=False).tobytes())
        file.flush()
        # The mapping stays when the file is closed.
        return np.memmap(file, dtype=first.dtype, mode="r", shape=(len(points), first.size))
