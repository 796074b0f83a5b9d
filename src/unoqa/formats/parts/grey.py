"""From the numbers in a file to one grey channel; which numbers are black and white is for the model to say."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from unoqa.core.image import EnfaceImage, NumberType
from unoqa.formats.parts.errors import not_finite_error, unsupported_error


def make_grey_image(
    values: Shaped[np.ndarray, "rows columns channels"], bits: int, name: str, *, white_is_zero: bool = False
) -> EnfaceImage:
    """Make an image of one channel (grey) or three (red, green, blue).

    Unsigned integers are divided by the largest value of `bits` bits; all other numbers stay as they are.

    Args:
        white_is_zero: whether the file says that 0 is white, and the largest value black.

    Raises:
        ImageError: `not-finite`; `unsupported` if 0 is white and the type of the numbers has no largest value.
    """
    number_type = _find_number_type(values.dtype, bits)
    if number_type.kind == "float" and not np.isfinite(values).all():
        raise not_finite_error(name)
    if number_type.kind != "unsigned":
        if white_is_zero:
            raise unsupported_error(name, f"holds {number_type} values of which 0 is white")
        return EnfaceImage(name, _compute_luma(values.astype(_find_float(number_type))), number_type=number_type)
    pixels = _compute_luma(np.divide(values, float(2**bits - 1), dtype=np.float32))
    pixels.clip(0.0, 1.0, out=pixels)
    return EnfaceImage(name, 1.0 - pixels if white_is_zero else pixels, number_type=number_type)


def _find_number_type(dtype: np.dtype[Any], bits: int) -> NumberType:
    if dtype.kind in "bu":
        return NumberType("unsigned", bits)
    return NumberType("signed" if dtype.kind == "i" else "float", 8 * dtype.itemsize)


def _find_float(number_type: NumberType) -> type[np.floating[Any]]:
    """Return the float that holds the numbers: single precision holds 24 bits."""
    single = number_type.bits <= (32 if number_type.kind == "float" else 16)
    return np.float32 if single else np.float64


def _compute_luma(channels: Float[np.ndarray, "rows columns channels"]) -> Float[np.ndarray, "rows columns"]:
    """Weight the colours by ITU-R BT.601, as Pillow's mode `L` does.

    The sum is written as green plus differences, so that three equal channels give exactly the same grey.
    """
    if channels.shape[-1] == 1:
        return channels[..., 0]
    red, green, blue = np.moveaxis(channels, -1, 0)
    return green + 0.299 * (red - green) + 0.114 * (blue - green)
