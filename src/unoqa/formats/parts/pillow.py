"""From a picture that one of Pillow's decoders has opened to an en-face image.

Pillow leaves out missing pixels if a host program sets `ImageFile.LOAD_TRUNCATED_IMAGES`, which holds for the whole
process. So a format first checks for itself that its file is complete; then the setting changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from PIL.Image import Image

from unoqa.formats.parts.errors import unsupported_error
from unoqa.formats.parts.grey import make_grey_image

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage

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
measured.
"""


def convert_picture(picture: Image, name: str) -> EnfaceImage:
    """Decode a picture as it is stored; an EXIF orientation is not applied.

    The orientation is ignored because quality does not depend on it, and because a heat map must fit the pixels that
    other programs show.

    Raises:
        ImageError: its pixels are of a kind that is not read.
    """
    channels, bits, values = _extract_values(picture, name)
    return make_grey_image(values[..., :channels], bits, name)


def _extract_values(picture: Image, name: str) -> tuple[int, int, Shaped[np.ndarray, "rows columns channels"]]:
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode not in _CHANNELS_AND_BITS:
        raise unsupported_error(name, f"holds {picture.mode} pixels")
    channels, bits = _CHANNELS_AND_BITS[picture.mode]
    values = np.asarray(picture)
    return channels, bits, values.reshape(*values.shape[:2], -1)
