"""Features of many images in files: each image is encoded once, and modules read its features as often as they need."""

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
"""The file that holds rows, columns and channels of each scale."""

INDEX = "index.txt"
"""The file with one line per image: the digest of its pixels, and the checksum of its features at each scale."""


@final
class FeatureFiles:
    """A folder with one file per scale, and an index of the images in these files, in order.

    The channels of a place are next to each other, in the order in which encoders write and modules read them, so
    nothing is transposed.

    The files are written by ordinary writes, and mapped into memory for reading only: a full disk then raises an error,
    where a write to mapped memory would end the process. When the folder is opened again, the first image that a kill
    or a power failure damaged is dropped, and all images after it.
    """

    def __init__(self, scales: tuple[Scale, ...], folder: Path) -> None:
        self._scales = scales
        self._folder = folder
        self._open = ExitStack()
        self._files: list[BinaryIO] = []
        self._index: TextIO | None = None
        self._shapes = self._read_shapes()
        intact = self._read_index()
        self._rows = {digest: row for row, (digest, _) in enumerate(intact)}
        self._checksums = [checksums for _, checksums in intact]

    def __enter__(self) -> FeatureFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, digest: str) -> int | None:
        """Return the row of an image by the digest of its pixels; None if its features are not here."""
        return self._rows.get(digest)

    def row(self, digest: str) -> int:
        """Return the row of an image whose features are here."""
        return self._rows[digest]

    def add(self, pyramid: FeaturePyramid, digest: str) -> int:
        """Append the features of one image, and return its row."""
        if self._index is None:
            self._open_for_appending([[*grid.shape[2:], grid.shape[1]] for grid in pyramid.scales])
        assert self._index is not None, "`_open_for_appending` opened it"
        checksums = []
        for file, scale, grid in zip(self._files, self._scales, pyramid.scales, strict=True):
            values = grid[0].permute(1, 2, 0).to(_stored_dtype(scale)).contiguous().cpu().numpy().tobytes()
            file.write(values)
            file.flush()
            checksums.append(zlib.crc32(values))
        self._checksums.append(checksums)
        self._index.write(_format_line(digest, checksums))
        self._index.flush()
        return self._rows.setdefault(digest, len(self._rows))

    def read(self, rows: Sequence[int], device: torch.device) -> FeatureSet:
        """Return the features of the images in these rows."""
        arrays = tuple(
            np.memmap(self._path(position), dtype=self._dtype(position), mode="r", shape=(len(self._rows), *shape))
            for position, shape in enumerate(self._shapes)
        )
        ordered = tuple(array.transpose(0, 3, 1, 2) for array in arrays)
        return FeatureSet(self._scales, ordered, np.asarray(rows, dtype=np.int64), device)

    def _open_for_appending(self, shapes: list[list[int]]) -> None:
        """Open all files, after cutting off everything behind the last intact image."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shapes = shapes
        write_text(self._folder / GRIDS, json.dumps(shapes))
        lines = [_format_line(digest, checksums) for digest, checksums in zip(self._rows, self._checksums, strict=True)]
        write_text(self._folder / INDEX, "".join(lines))
        for position in range(len(self._scales)):
            file = self._open.enter_context(self._path(position).open("ab"))
            file.truncate(len(self._rows) * self._record_size(position))
            self._files.append(file)
        index = (self._folder / INDEX).open("a", encoding="utf-8", newline="\n")
        self._index = self._open.enter_context(index)

    def _read_shapes(self) -> list[list[int]]:
        try:
            values = json.loads((self._folder / GRIDS).read_text(encoding="utf-8"))
            shapes = [[int(side) for side in shape] for shape in values]
        except (OSError, ValueError, TypeError):
            return []
        fits = len(shapes) == len(self._scales) and all(len(shape) == 3 and min(shape) > 0 for shape in shapes)
        return shapes if fits else []

    def _read_index(self) -> list[tuple[str, list[int]]]:
        """Return digest and checksums of each image up to the first one whose features are not intact."""
        index, files = self._folder / INDEX, [self._path(position) for position in range(len(self._scales))]
        if not self._shapes or not all(path.is_file() for path in (index, *files)):
            return []
        intact = []
        with ExitStack() as stack:
            streams = [stack.enter_context(path.open("rb")) for path in files]
            for line in index.read_text(encoding="ascii", errors="replace").split("\n")[:-1]:
                digest = line.rsplit(" ", len(files))[0]
                checksums = [
                    zlib.crc32(stream.read(self._record_size(position))) for position, stream in enumerate(streams)
                ]
                if line + "\n" != _format_line(digest, checksums):
                    break
                intact.append((digest, checksums))
        return intact

    def _record_size(self, position: int) -> int:
        """Return the bytes of one image in the file of a scale."""
        return int(np.prod(self._shapes[position])) * self._dtype(position).itemsize

    def _dtype(self, position: int) -> np.dtype[Any]:
        return torch.empty(0, dtype=_stored_dtype(self._scales[position])).numpy().dtype

    def _path(self, position: int) -> Path:
        return self._folder / f"{position}.raw"


def _format_line(digest: str, checksums: Sequence[int]) -> str:
    return f"{digest} {' '.join(map(str, checksums))}\n"


def _stored_dtype(scale: Scale) -> torch.dtype:
    return torch.float16 if scale.half else torch.float32
