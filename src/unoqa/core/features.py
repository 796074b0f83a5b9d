"""Features of images as an encoder computes them, and sets of them that a module is fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unoqa.core.errors import UsageError, unknown_name_error
from unoqa.core.parallel import raise_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@final
@dataclass(frozen=True)
class Scale:
    """The description of one grid of features. An encoder may give several, from fine to coarse.

    Attributes:
        name: `layer3`, `tiles`, `image`, …
        channels: the name of each number at a place of the grid.
        directions: per channel, +1 if a high value is bad, -1 if a low value is; empty if unknown.
        half: whether the encoder rounds to half precision, so that a file in half precision loses nothing.
    """

    name: str
    channels: tuple[str, ...]
    directions: tuple[int, ...] = ()
    half: bool = False


@final
@dataclass(frozen=True)
class FeaturePyramid:
    """Features of a batch of images on one or more grids, finest first; one grid may be 1×1.

    The memory format is always torch's `channels_last`, whether features were computed or read from a file: the last
    bits of a sum depend on the order in memory. It is also the fastest format for encoders and modules.
    """

    scales: tuple[Float[Tensor, "batch _channels _rows _columns"], ...]

    def __post_init__(self) -> None:
        scales = tuple(grid.contiguous(memory_format=torch.channels_last) for grid in self.scales)
        object.__setattr__(self, "scales", scales)

    def __len__(self) -> int:
        return len(self.scales[0])

    def select(self, positions: Sequence[int]) -> FeaturePyramid:
        """Return the pyramid of the scales at `positions`, in that order."""
        return FeaturePyramid(tuple(self.scales[position] for position in positions))


@final
@dataclass(frozen=True)
class FeatureSet:
    """Features of many images, in memory or in memory-mapped files; a module reads them in batches.

    Attributes:
        scales: the encoder's description of each grid.
        arrays: per scale, images × channels × rows × columns; float32, or float16 in mapped files; in any memory
            format.
        rows: the images of the arrays that belong to the set, in this order.
        device: where batches are put.
        finish: turns a grid of one image, as the arrays hold it, into the one that modules read; None: it is that one.
        rotate: takes rows of the arrays and an angle in degrees for each, encodes the rotated images, and returns all
            scales of the arrays; None if the images are not available.
    """

    scales: tuple[Scale, ...]
    arrays: tuple[np.ndarray, ...]
    rows: Int[np.ndarray, "images"]
    device: torch.device
    finish: Callable[[Tensor], Tensor] | None = None
    rotate: Callable[[np.ndarray, np.ndarray], FeaturePyramid] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, positions: Int[np.ndarray, "chosen"]) -> FeatureSet:
        """Return the set of the images at `positions` of this set; no feature is copied."""
        return replace(self, rows=self.rows[positions])

    def select(self, names: Sequence[str]) -> FeatureSet:
        """Return the set with only the named scales, in that order."""
        positions = [find_scale(self.scales, name) for name in names]
        return replace(
            self,
            scales=tuple(self.scales[position] for position in positions),
            arrays=tuple(self.arrays[position] for position in positions),
            rotate=None if self.rotate is None else _select_after(self.rotate, positions),
        )

    def encode_rotated(self, degrees: Float[np.ndarray, " images"]) -> FeaturePyramid:
        """Encode the images of the set again, each rotated by an angle.

        Raises:
            UsageError: only features are available, not the images.
        """
        if self.rotate is None:
            raise UsageError("Rotated images are needed, but only features are available; set 'rotation' to 0.")
        return self.rotate(self.rows, degrees)

    def batches(self, size: int = 8) -> Iterator[FeaturePyramid]:
        """Yield the features in order, `size` images at a time, in float32 on the device."""
        for start in range(0, len(self.rows), size):
            raise_if_cancelled()
            rows = self.rows[start : start + size]
            yield FeaturePyramid(tuple(self._load(array[rows]) for array in self.arrays))

    def _load(self, values: np.ndarray) -> Tensor:
        grids = torch.from_numpy(values).to(self.device, torch.float32)
        if self.finish is None:
            return grids
        # One by one: with the number of images, the last bits may change.
        each = torch.split(grids.contiguous(memory_format=torch.channels_last), 1)
        return torch.cat([self.finish(grid) for grid in each])


def _select_after(
    rotate: Callable[[np.ndarray, np.ndarray], FeaturePyramid], positions: Sequence[int]
) -> Callable[[np.ndarray, np.ndarray], FeaturePyramid]:
    return lambda rows, degrees: rotate(rows, degrees).select(positions)


def find_scale(scales: Sequence[Scale], name: str) -> int:
    """Return the position of the named scale.

    Raises:
        UsageError: the encoder has no such scale.
    """
    names = [scale.name for scale in scales]
    if name not in names:
        raise unknown_name_error("scale of this encoder", name, names)
    return names.index(name)
