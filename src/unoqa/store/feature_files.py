"""Features of many images in mapped files: encoded once, read as often as modules need them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.lib.format import open_memmap

from unoqa.core.features import FeaturePyramid, FeatureSet, Scale

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HALF_ABOVE = 4096
"""Numbers an image and scale above which half precision is kept: encoders of that size round to it."""


@final
class FeatureFiles:
    """A temporary folder with one mapped file a scale; gone when the context ends."""

    def __init__(self, scales: tuple[Scale, ...], capacity: int) -> None:
        self._scales = scales
        self._capacity = capacity
        self._folder = tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True)
        self._arrays: list[np.memmap] = []

    def __enter__(self) -> FeatureFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays = []
        self._folder.cleanup()

    def put(self, row: int, pyramid: FeaturePyramid) -> None:
        """Write the features of one image."""
        if not self._arrays:
            self._arrays = [self._create(position, grid) for position, grid in enumerate(pyramid.scales)]
        for array, grid in zip(self._arrays, pyramid.scales, strict=True):
            array[row] = grid[0].cpu().numpy()

    def read(self, rows: int, device: torch.device) -> FeatureSet:
        """Return the first `rows` images."""
        return FeatureSet(self._scales, tuple(self._arrays), np.arange(rows), device)

    def _create(self, position: int, grid: Tensor) -> np.memmap:
        shape = (self._capacity, *grid.shape[1:])
        kind = np.float16 if np.prod(shape[1:]) > HALF_ABOVE else np.float32
        path = Path(self._folder.name) / f"{position}.npy"
        return open_memmap(path, mode="w+", dtype=kind, shape=shape)
