"""Features of many images in files: encoded once, read as often as modules need them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, TextIO, final

import numpy as np

from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.store.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch


@final
class FeatureFiles:
    """A folder with one file a scale, and the digests of the images whose features stand in them, in order.

    Written as files and mapped for reading only: a full disk is then an error that can be told, where a map
    written to would end the process. What a kill cut short is cut off when the folder is opened again.
    """

    def __init__(self, scales: tuple[Scale, ...], folder: Path) -> None:
        self._scales = scales
        self._folder = folder
        self._open = ExitStack()
        self._files: list[BinaryIO] = []
        self._index: TextIO | None = None
        self._shapes = self._read_shapes()
        self._rows = {digest: row for row, digest in enumerate(self._read_index())}

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
            self._begin([list(grid.shape[1:]) for grid in pyramid.scales])
        assert self._index is not None, "it has just been opened"
        for file, scale, grid in zip(self._files, self._scales, pyramid.scales, strict=True):
            file.write(grid[0].cpu().numpy().astype(_kind(scale)).tobytes())
            file.flush()
        self._index.write(f"{digest}\n")
        self._index.flush()
        return self._rows.setdefault(digest, len(self._rows))

    def read(self, rows: Sequence[int], device: torch.device) -> FeatureSet:
        """Return the features at the rows."""
        arrays = tuple(
            np.memmap(self._path(position), dtype=_kind(scale), mode="r", shape=(len(self._rows), *shape))
            for position, (scale, shape) in enumerate(zip(self._scales, self._shapes, strict=True))
        )
        return FeatureSet(self._scales, arrays, np.asarray(rows, dtype=np.int64), device)

    def _begin(self, shapes: list[list[int]]) -> None:
        """Open all files for appending, after cutting off what the index does not vouch for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shapes = shapes
        (self._folder / "shapes.json").write_text(json.dumps(shapes), encoding="utf-8")
        write_text(self._folder / "index.txt", "".join(f"{digest}\n" for digest in self._rows))
        for position in range(len(self._scales)):
            file = self._open.enter_context(self._path(position).open("ab"))
            file.truncate(len(self._rows) * self._size(position))
            self._files.append(file)
        opened = (self._folder / "index.txt").open("a", encoding="utf-8", newline="\n")
        self._index = self._open.enter_context(opened)

    def _read_shapes(self) -> list[list[int]]:
        try:
            shapes = json.loads((self._folder / "shapes.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return shapes if len(shapes) == len(self._scales) else []

    def _read_index(self) -> list[str]:
        """Return the digests whose features are there whole."""
        index, files = self._folder / "index.txt", [self._path(position) for position in range(len(self._scales))]
        if not self._shapes or not all(path.is_file() for path in (index, *files)):
            return []
        whole = [path.stat().st_size // self._size(position) for position, path in enumerate(files)]
        lines = index.read_text(encoding="utf-8").split("\n")[:-1]
        return lines[: min(whole)]

    def _size(self, position: int) -> int:
        return int(np.prod(self._shapes[position])) * np.dtype(_kind(self._scales[position])).itemsize

    def _path(self, position: int) -> Path:
        return self._folder / f"{position}.raw"


def _kind(scale: Scale) -> type[np.floating]:
    return np.float16 if scale.half else np.float32
