"""Arrays of numbers, from files that hold nothing else or from memory, as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.errors import ImageError
from unoqa.formats.parts.grey import make_grey_image

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage

COLOURS = (1, 3, 4)
"""Numbers of channels that are read: grey, RGB, RGB with alpha (which is dropped)."""


def from_array(values: np.ndarray, name: str) -> EnfaceImage:
    """Make an en-face image of an array, by the rules that hold for all files.

    Args:
        values: rows × columns, or with 1, 3 or 4 colours last. Unsigned integers are divided by the largest value of
            their type; other numbers stay as they are.

    Raises:
        ImageError: masked values, another shape, another type, NaN or infinite values.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ImageError("unsupported", f"{name} has masked values; fill them or crop the image to its valid part.")
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[-1] not in COLOURS:
        raise ImageError(
            "unsupported",
            f"{name} has shape {values.shape}; give rows × columns, grey or RGB, or a list of several images.",
        )
    if values.dtype.kind not in "buif":
        raise ImageError(
            "unsupported", f"{name} holds values of type {values.dtype.name}; convert it to uint8 or float 0–1."
        )
    colours = 3 if values.shape[-1] >= 3 else 1
    bits = 1 if values.dtype.kind == "b" else 8 * values.dtype.itemsize
    return make_grey_image(values[..., :colours], bits, name)
