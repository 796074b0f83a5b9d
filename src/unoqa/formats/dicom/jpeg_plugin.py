"""A plug-in for pydicom that decodes JPEG: baseline, extended and lossless.

pydicom leaves the lossless kinds and samples of 12 bits to a GPL library or to a heavy one, and the others to Pillow,
which repairs damaged data without a word. libjpeg-turbo 3 decodes all of them; simplejpeg (strict, 8 bits) and
imagecodecs have it. The three public names are those that pydicom asks of a plug-in (its guide "Decoding plugins").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import simplejpeg

from unoqa.formats.dicom.library import PLUGIN_SYNTAXES

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = dict.fromkeys(PLUGIN_SYNTAXES, ())
"""What must be installed to decode each transfer syntax: nothing that unoqa itself does not need."""


def is_available(uid: str) -> bool:
    """Tell whether the plug-in decodes a transfer syntax."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """Decode one frame, the samples of a pixel side by side, colours as they are stored.

    Raises:
        ValueError: the frame is damaged in a way that the decoder notices.
    """
    samples = _decode(src, runner.samples_per_pixel)
    runner.set_option("bits_allocated", 8 * samples.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return samples.tobytes()


def _decode(src: bytes, samples: int) -> np.ndarray:
    """Decode strictly where the samples have 8 bits; colours are decoded again, since they are wanted as stored."""
    try:
        decoded = simplejpeg.decode_jpeg(src, "GRAY" if samples == 1 else "RGB")
    except ValueError as error:
        if "data precision" not in str(error):
            raise
    else:
        if samples == 1:
            return decoded
    if samples == 1:
        return np.asarray(imagecodecs.jpeg8_decode(src))
    return np.asarray(imagecodecs.jpeg8_decode(src, colorspace="RGB", outcolorspace="RGB"))
