"""The image itself, for low-quality modules that contain their own network."""

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
    """The image as the only channel, `grey`, of the only scale, `pixels`. There are no weights.

    It is kept in single precision: half precision does not hold the 256 levels of an 8-bit image divided by 255, and a
    score must not depend on whether features were computed or read from a feature file.
    """

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenPixels:
        """Return the encoder, ready to run; there are no weights."""
        del weights
        return _OpenPixels(device)


@final
class _OpenPixels(OpenEncoder):
    checksum = ""
    scales = (Scale("pixels", ("grey",)),)

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Copy the images, so that a module that changes its features does not change them."""
        grey = torch.from_numpy(np.array(images, dtype=np.float32))
        return FeaturePyramid((grey[:, None].to(self._device),))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}
