"""Views of one image that several measures look through; each is computed once, when first wanted.

Lengths are given in pixels of a 320-pixel image and grow with it.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.encoders.measures.parts.averaging import blurred

GRID = 20
"""Places a side: 16 pixels apart, about two capillary meshes of a 6 mm field."""

TILE = 25
"""Side of the square around a place in which numbers are averaged: neighbouring ones overlap by a third."""

REFERENCE_SIZE = 320

_DARKEST_LEVEL = 0.02
"""Bright level below which an image counts as black: five grey values of an 8-bit file."""

Field = Float[np.ndarray, "rows columns"]


@final
class Views:
    """One square grey image with brightness 0–1."""

    def __init__(self, image: Field) -> None:
        self.image = np.ascontiguousarray(image, dtype=np.float32)

    def length(self, pixels: int) -> int:
        """Scale a length to this image, to an odd number of pixels."""
        return 2 * int(pixels * len(self.image) / REFERENCE_SIZE / 2) + 1

    def smooth(self, sigma: float) -> Field:
        """Blur by a Gaussian cut at three standard deviations."""
        return blurred(self.image, sigma * len(self.image) / REFERENCE_SIZE)

    @cached_property
    def slightly_smooth(self) -> Field:
        """The image without its finest speckle."""
        return self.smooth(0.7)

    @cached_property
    def smoother(self) -> Field:
        """The image without its capillaries' edges."""
        return self.smooth(1.5)

    @cached_property
    def smoothest(self) -> Field:
        """The image without its capillaries: large vessels and illumination."""
        return self.smooth(3.0)

    @cached_property
    def noise(self) -> Field:
        """What is finer than a capillary."""
        return self.image - self.slightly_smooth

    @cached_property
    def capillaries(self) -> Field:
        """The band of one to three pixels, in which capillaries lie."""
        return self.slightly_smooth - self.smoother

    @cached_property
    def vessels(self) -> Field:
        """The band of three to six pixels, in which arterioles and venules lie."""
        return self.smoother - self.smoothest

    @cached_property
    def bright_level(self) -> float:
        """The image's own bright level: the upper quartile without capillaries."""
        return max(float(np.quantile(self.smoothest[::4, ::4], 0.75)), _DARKEST_LEVEL)

    @cached_property
    def relative(self) -> Field:
        """The image in units of its bright level; what lies far above is cut."""
        return np.minimum(self.image / self.bright_level, 1.5)

    @cached_property
    def log_capillary_power(self) -> Field:
        """Logarithm of the local root mean square of the capillary band."""
        return log_root_mean_square(self, self.capillaries)

    @cached_property
    def log_noise_power(self) -> Field:
        """Logarithm of the local root mean square of the noise."""
        return log_root_mean_square(self, self.noise)

    def local_mean(self, field: Field, side: int = TILE) -> Float[np.ndarray, "20 20"]:
        """Average a field in the square around each place, mirrored beyond its edges."""
        side = self.length(side)
        counts = _counts_around_places(len(field), side)
        given = torch.from_numpy(np.require(field, requirements="W"))
        return (counts @ given @ counts.T).numpy() / np.float32(side * side)


@lru_cache(maxsize=32)
def _counts_around_places(size: int, side: int) -> Float[torch.Tensor, "20 size"]:
    """Return how often each of `size` lines lies within `side` around each place: one twice beside a mirror."""
    places = ((np.arange(GRID) + 0.5) * size / GRID).astype(int)
    lines = places[:, None] + np.arange(side) - side // 2
    mirrored = np.where(lines < 0, -1 - lines, np.where(lines >= size, 2 * size - 1 - lines, lines))
    counts = np.zeros((GRID, size), dtype=np.float32)
    np.add.at(counts, (np.arange(GRID)[:, None], mirrored), 1)
    return torch.from_numpy(counts)


def log_root_mean_square(views: Views, field: Field) -> Float[np.ndarray, "20 20"]:
    """Return the logarithm of the local root mean square; .001 stands for a quarter of a grey value."""
    return np.log(np.sqrt(np.maximum(views.local_mean(field * field), 0)) + 0.001)


def beside_own_median(values: Float[np.ndarray, "20 20"]) -> Float[np.ndarray, "20 20"]:
    """Take away the image's own median, so that a darker or softer device is not a fault of the image."""
    return values - np.median(values)
