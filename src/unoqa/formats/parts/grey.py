"""From the numbers in a file to brightness: one grey channel, black at 0, the type's largest value at 1."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Shaped

from unoqa.formats.parts.errors import not_finite_error


def convert_to_grey(
    values: Shaped[np.ndarray, "rows columns channels"], bits: int, name: str
) -> Float32[np.ndarray, "rows columns"]:
    """Convert one channel (grey) or three (red, green, blue) to brightness from 0 to 1.

    Unsigned integers are divided by the largest value of `bits` bits: a file of 16 bits that uses only 12 is dark, but
    two such files stay comparable. Floats within 0–1 are kept. Signed integers and all other floats have no largest
    value of their own; they are stretched from the minimum to the maximum of the image, over all channels together.

    Raises:
        ImageError: `not-finite`.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise not_finite_error(name)
    if values.dtype.kind in "bu":
        return _compute_luma(np.divide(values, float(2**bits - 1), dtype=np.float32))
    if values.dtype.kind == "f" and values.min() >= 0.0 and values.max() <= 1.0:
        return _compute_luma(values.astype(np.float32))
    return _compute_luma(_stretch(values.astype(np.float64)))


def _stretch(
    values: Float64[np.ndarray, "rows columns channels"],
) -> Float32[np.ndarray, "rows columns channels"]:
    low, high = float(values.min()), float(values.max())
    peak = max(-low, high) or 1.0  # divide by it first: the difference of two huge floats would be infinite
    span = high / peak - low / peak or 1.0
    return ((values / peak - low / peak) / span).astype(np.float32)


def _compute_luma(
    channels: Float32[np.ndarray, "rows columns channels"],
) -> Float32[np.ndarray, "rows columns"]:
    """Weight the colours by ITU-R BT.601, as Pillow's mode `L` does.

    The sum is written as green plus differences, so that three equal channels give exactly the same grey.
    """
    if channels.shape[-1] == 1:
        return channels[..., 0]
    red, green, blue = np.moveaxis(channels, -1, 0)
    brightness: np.ndarray = green + 0.299 * (red - green) + 0.114 * (blue - green)
    return brightness.clip(0.0, 1.0)
