"""Outstanding images rotated and encoded again: augmentation for a module that cannot use cached features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.errors import FitError
from unoqa.core.features import FeaturePyramid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unoqa.core.image import EnfaceImage
    from unoqa.grader.source import LazyImage


@final
@dataclass(frozen=True)
class RotatedImages:
    """Reads images again, one at a time, so that none is kept in memory.

    Attributes:
        encode: encodes one image of size×size pixels.
        images: per row of the features, the digest of the image's pixels and the image.
    """

    encode: Callable[[EnfaceImage], FeaturePyramid]
    images: Mapping[int, tuple[str, LazyImage]]
    size: int

    def __call__(self, rows: np.ndarray, degrees: np.ndarray) -> FeaturePyramid:
        """Encode the images at `rows`, each rotated about its centre by its angle in degrees.

        Raises:
            FitError: an image has changed since it was encoded first.
            ImageError: an image can no longer be read.
        """
        pyramids = [self._encode(int(row), float(angle)) for row, angle in zip(rows, degrees, strict=True)]
        return FeaturePyramid(tuple(torch.cat(grids) for grids in zip(*(one.scales for one in pyramids), strict=True)))

    def _encode(self, row: int, angle: float) -> FeaturePyramid:
        digest, lazy = self.images[row]
        image = lazy.load()
        if image.digest() != digest:
            raise FitError(f"{lazy.name} changed during the fit; fit again.")
        return self.encode(replace(image, pixels=rotate(image.resize(self.size), angle)))


def rotate(image: Float[np.ndarray, "size size"], degrees: float) -> Float[np.ndarray, "size size"]:
    """Rotate an image about its centre, bilinearly.

    Corners are filled by reflection, because black corners would be a fault of their own.
    """
    from scipy import ndimage  # noqa: PLC0415 - import takes .2 s, which every start would pay

    return ndimage.rotate(image, degrees, reshape=False, order=1, mode="reflect").astype(np.float32)
