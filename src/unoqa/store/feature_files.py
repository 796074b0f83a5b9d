"""Features of many images in files: encoded once, read as often as modules need them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, final

import numpy as np

from unoqa.core.features import FeaturePyramid, FeatureSet, Scale

if TYPE_CHECKING:
    import torch


@final
class FeatureFiles:
    """A temporary folder with one file a scale; gone when the context ends.

    Written as files and mapped for reading only: a full disk is then an error that can be told, where a map
    written to would end the process.
    """

    def __init__(self, scales: tuple[Scale, ...]) -> None:
        self._scales = scales
        self._open = ExitStack()
        self._folder = Path(
            self._open.enter_context(tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True))
        )
        self._files: list[BinaryIO] = []
        self._shapes: list[tuple[int, ...]] = []

    def __enter__(self) -> FeatureFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, pyramid: FeaturePyramid) -> None:
        """Append the features of one image."""
        if not self._files:
            self._shapes = [tuple(grid.shape[1:]) for grid in pyramid.scales]
            self._files = [self._open.enter_context(self._path(scale).open("wb")) for scale in self._scales]
        for file, scale, grid in zip(self._files, self._scales, pyramid.scales, strict=True):
            file.write(grid[0].cpu().numpy().astype(_kind(scale)).tobytes())

    def read(self, images: int, device: torch.device) -> FeatureSet:
        """Return the first `images` images."""
        for file in self._files:
            file.flush()
        arrays = tuple(
            np.memmap(self._path(scale), dtype=_kind(scale), mode="r", shape=(images, *shape))
            for scale, shape in zip(self._scales, self._shapes, strict=True)
        )
        return FeatureSet(self._scales, arrays, np.arange(images), device)

    def _path(self, scale: Scale) -> Path:
        return self._folder / f"{self._scales.index(scale)}.raw"


def _kind(scale: Scale) -> type[np.floating]:
    return np.float16 if scale.half else np.float32
