"""The image itself, for modules that bring a network of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from pathlib import Path


@final
@settings
class Pixels(Encoder):
    """The image as the only channel, `grey`, of the only scale, `pixels`; it has no weights and learns nothing.

    Kept in single precision, since half precision does not hold the 256 levels of an eight-bit image divided by
    255: a score must not depend on whether an image was read from a feature file.
    """

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenPixels:
        """Return the encoder; there are no weights."""
        del weights
        return _OpenPixels(device)


@final
class _OpenPixels(OpenEncoder):
    checksum = ""
    scales = (Scale("pixels", ("grey",)),)

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Copy the images, so that what a module does to its features cannot reach them."""
        grey = torch.from_numpy(np.array(images, dtype=np.float32))
        return FeaturePyramid((grey[:, None].to(self._device),))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}
