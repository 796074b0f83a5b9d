"""Images that are in memory already: NumPy arrays, PIL images and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.formats.parts.grey import make_grey_image

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage

COLOURS = (1, 3, 4)
"""Numbers of channels that are read: grey, RGB, RGB with alpha (which is dropped)."""

_READ_AS_STORED = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "RGB", "RGBA")
"""Modes of Pillow whose numbers an array holds; the others are converted to colours of 8 bits."""


def from_memory(image: np.ndarray | Image.Image | torch.Tensor, name: str) -> EnfaceImage:
    """Make an en-face image of an array, a PIL image or a tensor, by the rules that hold for files.

    Args:
        image: rows × columns, or with 1, 3 or 4 colours: last in an array, first in a tensor. Unsigned integers are
            divided by the largest value of their type; other numbers stay as they are.

    Raises:
        ImageError: masked values, another shape, another type, NaN or infinite values.
    """
    if isinstance(image, np.ma.MaskedArray):
        raise ImageError("unsupported", f"{name} has masked values; fill them or crop the image to its valid part.")
    values = _to_array(image)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[-1] not in COLOURS:
        raise ImageError(
            "unsupported",
            f"{name} has shape {values.shape}; give rows × columns, grey or RGB, or a list of several images.",
        )
    if values.dtype.kind not in "buif":
        raise ImageError(
            "unsupported", f"{name} holds values of type {values.dtype}; convert it to uint8 or float 0–1."
        )
    colours = 3 if values.shape[-1] >= 3 else 1
    bits = 1 if values.dtype.kind == "b" else 8 * values.dtype.itemsize
    return make_grey_image(values[..., :colours], bits, name)


def _to_array(image: np.ndarray | Image.Image | torch.Tensor) -> np.ndarray:
    if isinstance(image, torch.Tensor):
        array = image.detach().cpu().numpy()
        return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    if isinstance(image, Image.Image):
        return np.asarray(image if image.mode in _READ_AS_STORED else image.convert("RGB"))
    return image
