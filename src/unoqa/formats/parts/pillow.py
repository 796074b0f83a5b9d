"""Reading one picture with one of Pillow's decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable, unsupported
from unoqa.formats.parts.grey import grey
from unoqa.formats.parts.limits import check_pixels
from unoqa.formats.parts.opening import opened

if TYPE_CHECKING:
    from pathlib import Path

_CHANNELS_AND_BITS = {
    "1": (1, 1),
    "L": (1, 8),
    "LA": (1, 8),
    "I;16": (1, 16),
    "RGB": (3, 8),
    "RGBA": (3, 8),
}
"""Per mode of Pillow: what is kept, and its depth.

Alpha is dropped: the colour beneath is what the device measured, and laying it over a background would
invent brightness. CMYK is missing on purpose: ink has no brightness without the printer's profile.
"""


def read_picture(decoder: type[ImageFile], path: Path, page: int, name: str) -> EnfaceImage:
    """Read a file of one picture as it is stored; an EXIF orientation is not applied.

    Only the decoder named is ever tried: no other of Pillow's plugins sees the file. Orientation is left
    alone because no quality depends on it, and a map must lie on the pixels that other programs show.

    Raises:
        ImageError: the file is damaged, too large or of an unsupported kind.
    """
    with opened(path, name) as stream, decoder(stream) as picture:
        if page != 0:
            raise unreadable(name, f"has no page {page + 1}")
        check_pixels(name, *picture.size)
        picture.load()
        channels, bits, values = _values(picture, name)
        return EnfaceImage(name, grey(values[..., :channels], bits, name))


def _values(picture: Image, name: str) -> tuple[int, int, Shaped[np.ndarray, "rows columns channels"]]:
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode not in _CHANNELS_AND_BITS:
        raise unsupported(name, f"holds {picture.mode} pixels")
    channels, bits = _CHANNELS_AND_BITS[picture.mode]
    values = np.asarray(picture)
    return channels, bits, values.reshape(*values.shape[:2], -1)
