"""What an encoder makes of images, and a set of it that a module can learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unoqa.core.errors import UsageError, unknown
from unoqa.core.parallel import raise_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@final
@dataclass(frozen=True)
class Scale:
    """One grid of features, as the encoder describes it.

    Attributes:
        name: `layer3`, `tiles`, `image`, …
        channels: the name of each number that stands at a place.
        directions: per channel, +1 where a high value is bad, -1 where a low one is; empty where unknown.
        half: whether the encoder rounds to half precision, so that keeping it loses nothing.
    """

    name: str
    channels: tuple[str, ...]
    directions: tuple[int, ...] = ()
    half: bool = False


@final
@dataclass(frozen=True)
class FeaturePyramid:
    """Features of a batch of images on one or more grids, finest first; one grid may be 1×1.

    The channels of a place lie side by side (torch's channels last), wherever the features came from: sums follow the
    order in memory, and encoders give, and modules read, that order fastest.
    """

    scales: tuple[Float[Tensor, "batch _channels _rows _columns"], ...]

    def __post_init__(self) -> None:
        ordered = tuple(grid.contiguous(memory_format=torch.channels_last) for grid in self.scales)
        object.__setattr__(self, "scales", ordered)

    def __len__(self) -> int:
        return len(self.scales[0])

    def select(self, positions: Sequence[int]) -> FeaturePyramid:
        """Return the pyramid of some of its scales only."""
        return FeaturePyramid(tuple(self.scales[position] for position in positions))


@final
@dataclass(frozen=True)
class FeatureSet:
    """Features of many images, in memory or in mapped files; a module reads them in batches.

    Attributes:
        scales: the encoder's description of each grid.
        arrays: per scale, images × channels × rows × columns; float32, or float16 where mapped,
            in any order in memory.
        rows: which images of the arrays belong to the set, in this order.
        device: where batches are put.
        turn: encodes images anew, each turned by an angle in degrees; None where that is not offered. Its rows are
            those of the arrays, and it returns all scales of the arrays.
    """

    scales: tuple[Scale, ...]
    arrays: tuple[np.ndarray, ...]
    rows: Int[np.ndarray, "images"]
    device: torch.device
    rotate: Callable[[np.ndarray, np.ndarray], FeaturePyramid] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, positions: Int[np.ndarray, "chosen"]) -> FeatureSet:
        """Return the set of the images at `positions` of this one; no feature is copied."""
        return replace(self, rows=self.rows[positions])

    def select(self, names: Sequence[str]) -> FeatureSet:
        """Return the set with the named scales only, in that order."""
        positions = [find_scale(self.scales, name) for name in names]
        return replace(
            self,
            scales=tuple(self.scales[position] for position in positions),
            arrays=tuple(self.arrays[position] for position in positions),
            rotate=None if self.rotate is None else _selecting(self.rotate, positions),
        )

    def encode_rotated(self, degrees: Float[np.ndarray, " images"]) -> FeaturePyramid:
        """Encode the images of the set anew, each turned by an angle.

        Raises:
            UsageError: the features come from files, and the images are not at hand.
        """
        if self.rotate is None:
            raise UsageError("Turned images are wanted, but only their features are at hand; set 'degrees' to 0.")
        return self.rotate(self.rows, degrees)

    def batches(self, size: int = 8) -> Iterator[FeaturePyramid]:
        """Yield the features in order, `size` images at a time, as float32 on the device."""
        for start in range(0, len(self.rows), size):
            raise_if_cancelled()
            rows = self.rows[start : start + size]
            yield FeaturePyramid(tuple(self._tensor(array[rows]) for array in self.arrays))

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device, torch.float32)


def _selecting(
    rotate: Callable[[np.ndarray, np.ndarray], FeaturePyramid], positions: Sequence[int]
) -> Callable[[np.ndarray, np.ndarray], FeaturePyramid]:
    return lambda rows, degrees: rotate(rows, degrees).select(positions)


def find_scale(scales: Sequence[Scale], name: str) -> int:
    """Return where the named scale stands.

    Raises:
        UsageError: the encoder has no such scale.
    """
    names = [scale.name for scale in scales]
    if name not in names:
        raise unknown("scale of this encoder", name, names)
    return names.index(name)
