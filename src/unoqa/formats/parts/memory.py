"""Images that are in memory already: NumPy arrays, PIL images and tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.grey import convert_to_grey

COLOURS = (1, 3, 4)
"""Numbers of channels that are read: grey, RGB, RGB with alpha (which is dropped)."""


def from_memory(image: np.ndarray | Image.Image | torch.Tensor, name: str) -> EnfaceImage:
    """Make an en-face image of an array, a PIL image or a tensor, by the rules that hold for files.

    Args:
        image: rows × columns, or with 1, 3 or 4 colours: last in an array, first in a tensor. Unsigned integers are
            divided by the largest value of their type; floats must lie within 0–1 or are stretched, as in a TIFF.

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
            f"{name} has shape {values.shape}; give rows × columns, grey or RGB, and a list for several images.",
        )
    if values.dtype.kind not in "buf":
        raise ImageError(
            "unsupported", f"{name} holds values of type {values.dtype}; convert it to uint8 or float 0–1."
        )
    colours = 3 if values.shape[-1] >= 3 else 1
    bits = 1 if values.dtype.kind == "b" else 8 * values.dtype.itemsize
    return EnfaceImage(name, convert_to_grey(values[..., :colours], bits, name))


def _to_array(image: np.ndarray | Image.Image | torch.Tensor) -> np.ndarray:
    if isinstance(image, torch.Tensor):
        array = image.detach().cpu().numpy()
        return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    if isinstance(image, Image.Image):
        return np.asarray(image if image.mode in ("1", "L", "I;16", "RGB", "RGBA") else image.convert("RGB"))
    return image
