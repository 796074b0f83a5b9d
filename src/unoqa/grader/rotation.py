"""Outstanding images turned a little and encoded anew: what a module learns from that asks for no cached features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.errors import FitError
from unoqa.core.features import FeaturePyramid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.contracts import OpenEncoder
    from unoqa.grader.source import LazyImage


@final
@dataclass(frozen=True)
class RotatedImages:
    """Reads images again, one by one, so that none is held.

    Attributes:
        images: what stands at each row of the features: an image, and the digest of its pixels.
    """

    encoder: OpenEncoder
    images: Mapping[int, tuple[str, LazyImage]]
    size: int

    def __call__(self, rows: np.ndarray, degrees: np.ndarray) -> FeaturePyramid:
        """Encode the images at `rows`, each turned about its middle by its angle in degrees.

        Raises:
            FitError: an image is not the one that was there before.
            ImageError: an image can be read no longer.
        """
        pyramids = [self._one(int(row), float(angle)) for row, angle in zip(rows, degrees, strict=True)]
        return FeaturePyramid(tuple(torch.cat(grids) for grids in zip(*(one.scales for one in pyramids), strict=True)))

    def _one(self, row: int, angle: float) -> FeaturePyramid:
        digest, lazy = self.images[row]
        image = lazy.open()
        if image.digest() != digest:
            raise FitError(f"{lazy.name} changed while it was learned from; fit again.")
        return self.encoder.encode(rotate(image.resized(self.size), angle)[None])


def rotate(image: Float[np.ndarray, "size size"], degrees: float) -> Float[np.ndarray, "size size"]:
    """Turn an image about its middle, bilinearly; corners are filled by reflection, since black ones are a fault."""
    from scipy.ndimage import rotate  # noqa: PLC0415 - a fifth of a second, which every start would take

    return rotate(image, degrees, reshape=False, order=1, mode="reflect").astype(np.float32)
