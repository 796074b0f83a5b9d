"""Views: filtered versions of one image that several measures share; each is computed once, at first use.

Lengths are given in pixels of a 320-pixel image, and are scaled to the size of the image.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from unoqa.core.image import resize_pixels
from unoqa.encoders.parts.grey import GreyImage

GRID = 20
"""Places per side of the grid. They are 16 pixels apart, about two capillary meshes of a 6 mm field."""

TILE = 25
"""Side of the square around a place that is averaged; neighbouring squares overlap by a third."""

REFERENCE_SIZE = 320
"""Side in pixels of the image that lengths are given for."""

_MIN_BRIGHT_LEVEL = 0.02
"""Lower limit of the bright level: five grey values of an 8-bit file. A darker image counts as black."""


@final
class Views:
    """Filtered versions of one square grey image with brightness 0–1.

    Attributes:
        image: square.
        whole: the same at the size of its file: resizing blends neighbouring lines.
    """

    def __init__(self, image: GreyImage, whole: Float[np.ndarray, "_ _"] | None = None) -> None:
        self.image = np.ascontiguousarray(image, dtype=np.float32)
        self.whole = self.image if whole is None else whole

    @classmethod
    def of(cls, whole: GreyImage) -> Views:
        """Return the views of an image of any size, at 320 pixels a side or at its own size if it is smaller."""
        size = min(REFERENCE_SIZE, *whole.shape)
        return cls(resize_pixels(whole, size), whole)

    def scale_length(self, pixels: int) -> int:
        """Scale a length to the size of this image; return an odd number of pixels."""
        return 2 * int(pixels * len(self.image) / REFERENCE_SIZE / 2) + 1

    def _smooth(self, sigma: float) -> GreyImage:
        """Blur the image with a Gaussian, truncated at three standard deviations."""
        return gaussian_filter(self.image, sigma * len(self.image) / REFERENCE_SIZE, truncate=3)

    @cached_property
    def without_speckle(self) -> GreyImage:
        """The image without the finest speckle."""
        return self._smooth(0.7)

    @cached_property
    def without_capillary_edges(self) -> GreyImage:
        """The image without the edges of capillaries."""
        return self._smooth(1.5)

    @cached_property
    def without_capillaries(self) -> GreyImage:
        """The image without capillaries: large vessels and illumination."""
        return self._smooth(3.0)

    @cached_property
    def noise(self) -> GreyImage:
        """The band of details finer than a capillary."""
        return self.image - self.without_speckle

    @cached_property
    def capillaries(self) -> GreyImage:
        """The band of one to three pixels, which contains capillaries."""
        return self.without_speckle - self.without_capillary_edges

    @cached_property
    def vessels(self) -> GreyImage:
        """The band of three to six pixels, which contains arterioles and venules."""
        return self.without_capillary_edges - self.without_capillaries

    @cached_property
    def bright_level(self) -> float:
        """The bright level of the image: the upper quartile of the image without capillaries."""
        return max(float(np.quantile(self.without_capillaries[::4, ::4], 0.75)), _MIN_BRIGHT_LEVEL)

    @cached_property
    def relative(self) -> GreyImage:
        """The image divided by its bright level, with values above 1.5 clipped."""
        return np.minimum(self.image / self.bright_level, 1.5)

    @cached_property
    def log_capillary_power(self) -> GreyImage:
        """Log of the local RMS of the capillary band."""
        return log_local_rms(self, self.capillaries)

    @cached_property
    def log_noise_power(self) -> GreyImage:
        """Log of the local RMS of the noise."""
        return log_local_rms(self, self.noise)

    @cached_property
    def log_local_contrast(self) -> Float[np.ndarray, "20 20"]:
        """Log of the local standard deviation over the local mean (Weber contrast), without the finest speckle."""
        mean = self.local_mean(self.without_speckle)
        square = self.local_mean(np.square(self.without_speckle))
        std = np.sqrt(np.maximum(square - mean * mean, 0))
        return np.log((std + 0.001) / (mean + 0.01))

    def local_mean(self, field: GreyImage, side: int = TILE) -> Float[np.ndarray, "20 20"]:
        """Average a field in the square around each place; beyond the edges it is mirrored."""
        side = self.scale_length(side)
        counts = _count_lines_around_places(len(field), side)
        writable = torch.from_numpy(np.require(field, requirements="W"))
        return (counts @ writable @ counts.T).numpy() / np.float32(side * side)


@lru_cache(maxsize=32)
def _count_lines_around_places(size: int, side: int) -> Float[torch.Tensor, "20 size"]:
    """Count how often each of `size` lines lies in the square around each place; mirrored lines count twice."""
    places = ((np.arange(GRID) + 0.5) * size / GRID).astype(int)
    lines = places[:, None] + np.arange(side) - side // 2
    mirrored = np.where(lines < 0, -1 - lines, np.where(lines >= size, 2 * size - 1 - lines, lines))
    counts = np.zeros((GRID, size), dtype=np.float32)
    np.add.at(counts, (np.arange(GRID)[:, None], mirrored), 1)
    return torch.from_numpy(counts)


def halve(field: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "half half"]:
    """Return averages of 2×2 pixels, which halve the speckle too; an odd line at the end is left out."""
    side = len(field) // 2
    quarters = [field[row : 2 * side : 2, column : 2 * side : 2] for row in (0, 1) for column in (0, 1)]
    return np.asarray(sum(quarters[1:], quarters[0]) / 4)


def log_local_rms(views: Views, field: GreyImage) -> Float[np.ndarray, "20 20"]:
    """Return the log of the local root mean square (RMS) plus .001, a quarter of a grey value of an 8-bit file."""
    return np.log(np.sqrt(np.maximum(views.local_mean(field * field), 0)) + 0.001)


def subtract_median(values: Float[np.ndarray, "20 20"]) -> Float[np.ndarray, "20 20"]:
    """Subtract the median of the image, so that a darker or softer device does not count as a fault of the image."""
    return values - np.median(values)
