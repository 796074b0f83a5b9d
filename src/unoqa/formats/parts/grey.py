"""From the numbers in a file to brightness: one grey channel, black at 0, the type's brightest value at 1."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Shaped

from unoqa.formats.parts.errors import not_finite


def grey(
    values: Shaped[np.ndarray, "rows columns channels"], bits: int, name: str
) -> Float32[np.ndarray, "rows columns"]:
    """Turn one channel (grey) or three (red, green, blue) into brightness from 0 to 1.

    Unsigned integers are divided by the largest that `bits` can hold: a file of 16 bits that uses only 12
    is dark, but two of them stay comparable. Signed integers and floats have no brightest value of their
    own: floats within 0–1 are taken as they are, all else is stretched from the image's minimum to its
    maximum, over all channels together.

    Raises:
        ImageError: `not-finite`.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise not_finite(name)
    if values.dtype.kind in "bu":
        return _luma(np.divide(values, float(2**bits - 1), dtype=np.float32))
    if values.dtype.kind == "f" and values.min() >= 0.0 and values.max() <= 1.0:
        return _luma(values.astype(np.float32))
    return _luma(_stretched(values.astype(np.float64)))


def _stretched(
    values: Float64[np.ndarray, "rows columns channels"],
) -> Float32[np.ndarray, "rows columns channels"]:
    low, high = float(values.min()), float(values.max())
    peak = max(-low, high) or 1.0  # divided by first: the span of two huge floats would be infinite
    span = high / peak - low / peak or 1.0
    return ((values / peak - low / peak) / span).astype(np.float32)


def _luma(
    channels: Float32[np.ndarray, "rows columns channels"],
) -> Float32[np.ndarray, "rows columns"]:
    """Weigh colours by ITU-R BT.601, as Pillow's `L` does.

    Written as green plus differences, so that three equal channels give exactly the grey they repeat.
    """
    if channels.shape[-1] == 1:
        return channels[..., 0]
    red, green, blue = np.moveaxis(channels, -1, 0)
    brightness: np.ndarray = green + 0.299 * (red - green) + 0.114 * (blue - green)
    return brightness.clip(0.0, 1.0)
