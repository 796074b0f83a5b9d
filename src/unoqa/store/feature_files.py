"""Features of many images in files: encoded once, read as often as modules need them."""

from __future__ import annotations

import json
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, final

import numpy as np
import torch

from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


GRIDS = "grids.json"
"""The file of rows, columns and channels of each scale."""


@final
class FeatureFiles:
    """A folder with one file a scale, and an index: digest of each image and checksums of its features, in order.

    The channels of a place lie side by side, as encoders give them and modules read them: nothing is transposed.

    Written as files and mapped for reading only: a full disk is then an error that can be told, where a map
    written to would end the process. What a kill cut short, or a power cut spoilt, is cut off when the folder is opened
    again, with all that follows it.
    """

    def __init__(self, scales: tuple[Scale, ...], folder: Path) -> None:
        self._scales = scales
        self._folder = folder
        self._open = ExitStack()
        self._files: list[BinaryIO] = []
        self._index: TextIO | None = None
        self._shapes = self._read_shapes()
        found = self._read_index()
        self._rows = {digest: row for row, (digest, _) in enumerate(found)}
        self._sums = [sums for _, sums in found]

    def __enter__(self) -> FeatureFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, digest: str) -> int | None:
        """Return the row of an image by the digest of its pixels, or None."""
        return self._rows.get(digest)

    def row(self, digest: str) -> int:
        """Return the row of an image that is there."""
        return self._rows[digest]

    def add(self, pyramid: FeaturePyramid, digest: str) -> int:
        """Append the features of one image, and return its row."""
        if self._index is None:
            self._begin([[*grid.shape[2:], grid.shape[1]] for grid in pyramid.scales])
        assert self._index is not None, "it has just been opened"
        sums = []
        for file, scale, grid in zip(self._files, self._scales, pyramid.scales, strict=True):
            values = grid[0].permute(1, 2, 0).to(_kind(scale)).contiguous().cpu().numpy().tobytes()
            file.write(values)
            file.flush()
            sums.append(zlib.crc32(values))
        self._sums.append(sums)
        self._index.write(_line(digest, sums))
        self._index.flush()
        return self._rows.setdefault(digest, len(self._rows))

    def read(self, rows: Sequence[int], device: torch.device) -> FeatureSet:
        """Return the features at the rows."""
        arrays = tuple(
            np.memmap(self._path(position), dtype=self._type(position), mode="r", shape=(len(self._rows), *shape))
            for position, shape in enumerate(self._shapes)
        )
        ordered = tuple(array.transpose(0, 3, 1, 2) for array in arrays)
        return FeatureSet(self._scales, ordered, np.asarray(rows, dtype=np.int64), device)

    def _begin(self, shapes: list[list[int]]) -> None:
        """Open all files for appending, after cutting off what the index does not vouch for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shapes = shapes
        write_text(self._folder / GRIDS, json.dumps(shapes))
        lines = [_line(digest, sums) for digest, sums in zip(self._rows, self._sums, strict=True)]
        write_text(self._folder / "index.txt", "".join(lines))
        for position in range(len(self._scales)):
            file = self._open.enter_context(self._path(position).open("ab"))
            file.truncate(len(self._rows) * self._size(position))
            self._files.append(file)
        opened = (self._folder / "index.txt").open("a", encoding="utf-8", newline="\n")
        self._index = self._open.enter_context(opened)

    def _read_shapes(self) -> list[list[int]]:
        try:
            shapes = json.loads((self._folder / GRIDS).read_text(encoding="utf-8"))
            whole = [[int(side) for side in shape] for shape in shapes]
        except (OSError, ValueError, TypeError):
            return []
        fits = len(whole) == len(self._scales) and all(len(shape) == 3 and min(shape) > 0 for shape in whole)
        return whole if fits else []

    def _read_index(self) -> list[tuple[str, list[int]]]:
        """Return the digests whose features are there as they were written, with their checksums."""
        index, files = self._folder / "index.txt", [self._path(position) for position in range(len(self._scales))]
        if not self._shapes or not all(path.is_file() for path in (index, *files)):
            return []
        found = []
        with ExitStack() as stack:
            opened = [stack.enter_context(path.open("rb")) for path in files]
            for line in index.read_text(encoding="ascii", errors="replace").split("\n")[:-1]:
                digest = line.rsplit(" ", len(files))[0]
                sums = [zlib.crc32(file.read(self._size(position))) for position, file in enumerate(opened)]
                if line + "\n" != _line(digest, sums):
                    break
                found.append((digest, sums))
        return found

    def _size(self, position: int) -> int:
        return int(np.prod(self._shapes[position])) * self._type(position).itemsize

    def _type(self, position: int) -> np.dtype[Any]:
        return torch.empty(0, dtype=_kind(self._scales[position])).numpy().dtype

    def _path(self, position: int) -> Path:
        return self._folder / f"{position}.raw"


def _line(digest: str, sums: Sequence[int]) -> str:
    return f"{digest} {' '.join(map(str, sums))}\n"


def _kind(scale: Scale) -> torch.dtype:
    return torch.float16 if scale.half else torch.float32
