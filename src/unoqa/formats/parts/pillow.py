"""Reading an image with one of Pillow's decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable_error, unsupported_error
from unoqa.formats.parts.grey import convert_to_grey
from unoqa.formats.parts.limits import check_pixels
from unoqa.formats.parts.opening import open_image_file

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
"""For each mode of Pillow: how many channels are kept, and their bits.

Alpha is dropped: the colour below it is what the device measured, and a background would add brightness that was never
measured. CMYK is left out on purpose: without the printer's profile, ink has no defined brightness.
"""


def read_picture(decoder: type[ImageFile], path: Path, page: int, name: str) -> EnfaceImage:
    """Read a file that holds one image, as it is stored; an EXIF orientation is not applied.

    Only `decoder` sees the file; no other plugin of Pillow is tried. The orientation is ignored because quality does
    not depend on it, and because a heat map must fit the pixels that other programs show.

    Raises:
        ImageError: the file is damaged, too large or of an unsupported kind.
    """
    with open_image_file(path, name) as stream, decoder(stream) as picture:
        if page != 0:
            raise unreadable_error(name, f"has no page {page + 1}")
        check_pixels(name, *picture.size)
        picture.load()
        channels, bits, values = _extract_values(picture, name)
        return EnfaceImage(name, convert_to_grey(values[..., :channels], bits, name))


def _extract_values(picture: Image, name: str) -> tuple[int, int, Shaped[np.ndarray, "rows columns channels"]]:
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode not in _CHANNELS_AND_BITS:
        raise unsupported_error(name, f"holds {picture.mode} pixels")
    channels, bits = _CHANNELS_AND_BITS[picture.mode]
    values = np.asarray(picture)
    return channels, bits, values.reshape(*values.shape[:2], -1)
