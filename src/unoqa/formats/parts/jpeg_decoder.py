"""Strict decoding of JPEG data: what other decoders repair without an error is refused.

Where entropy-coded data is damaged, libjpeg warns and goes on, with the rest of the image displaced or grey. Pillow and
imagecodecs do not pass the warning on; simplejpeg raises it.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import simplejpeg
from jaxtyping import UInt8
from PIL.JpegImagePlugin import JpegImageFile

from unoqa.formats.parts.errors import truncated_error, unreadable_error, unsupported_error

if TYPE_CHECKING:
    from unoqa.core.errors import ImageError

_TARGETS = {"Gray": "GRAY", "YCbCr": "RGB", "RGB": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
"""What each colour space of a file is decoded to."""


@final
class JpegHeader(NamedTuple):
    """What the header of a JPEG says: pixels a column and a row, and `GRAY`, `RGB` or `CMYK`."""

    rows: int
    columns: int
    colours: str


def read_jpeg_header(data: bytes, name: str) -> JpegHeader:
    """Read the header of a JPEG.

    Raises:
        ImageError: `truncated`, `unreadable` or `unsupported`.
    """
    try:
        rows, columns, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise _make_image_error(str(error), data, name) from error
    return JpegHeader(int(rows), int(columns), _TARGETS[space])


def decode_jpeg(data: bytes, colours: str, name: str) -> UInt8[np.ndarray, "rows columns channels"]:
    """Decode a JPEG to the colours of its header, with the same bits as Pillow; a grey one has one channel.

    Raises:
        ImageError: any byte of it is damaged in a way that can be noticed, or missing.
    """
    try:
        return simplejpeg.decode_jpeg(data, colours)
    except ValueError as error:
        raise _make_image_error(str(error), data, name) from error


def _make_image_error(message: str, data: bytes, name: str) -> ImageError:
    if message.startswith("Premature end"):
        return truncated_error(name)
    if "data precision" in message:
        return unsupported_error(name, "holds a JPEG with other than 8 bits a sample")
    if "subsampling" in message:  # said of a damaged header too, which Pillow tells apart: it raises here
        JpegImageFile(BytesIO(data)).close()
        return unsupported_error(name, "holds a JPEG with an unusual subsampling of colours")
    return unreadable_error(name)
