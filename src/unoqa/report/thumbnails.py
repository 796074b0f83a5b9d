"""Pictures small enough for a page: an image as a grey JPEG, its heat as a PNG to lay over it.

Both are encoded anew from pixels, so nothing that the file said of a patient is in them.
"""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import simplejpeg
from jaxtyping import Float, UInt8
from PIL import Image

from unoqa.grader.overlay import heat_palette, recover_grey, recover_strength

QUALITIES = ((60, 82), (30, 45))
"""JPEG qualities in pairs, the better pair first; the second of a pair is tried where the first leaves room."""

SMALLEST_SIDE = 48
"""Pixels below which a picture is not reduced further, whatever its bytes."""

ROOM = 0.95
"""Share of the bytes that a reduced picture is made for: fewer pixels have more detail each."""

HEAT_SIDE = 80
"""Pixels of a heat layer on its longer side; heat is smooth, and a browser enlarges it smoothly."""

HEAT_LEVELS = 32
"""Strengths that a heat layer tells apart: no step between them is seen, and 256 take twice the bytes."""


def make_thumbnail(pixels: Float[np.ndarray, "rows columns"], *, side: int, most_bytes: int) -> bytes:
    """Return an image as a grey JPEG without metadata.

    Args:
        pixels: brightness from 0 to 1.
        side: pixels of the longer side, at most; a smaller image keeps its size.
        most_bytes: of the JPEG. Quality falls first, then size.
    """
    grey = Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    return _encode(_reduce(grey, side), most_bytes)


def make_thumbnail_and_layer(
    overlay: UInt8[np.ndarray, "rows columns 3"], *, side: int, most_bytes: int
) -> tuple[bytes, bytes]:
    """Return both pictures of an image that has an overlay; the image itself need not be read again.

    Args:
        overlay: as `blend_heat` makes it.
        side, most_bytes: see `make_thumbnail`.
    """
    reduced = np.asarray(_reduce(Image.fromarray(overlay), side))
    return _encode(Image.fromarray(recover_grey(reduced)), most_bytes), make_heat_layer(reduced)


def make_heat_layer(overlay: UInt8[np.ndarray, "rows columns 3"]) -> bytes:
    """Return the heat of an overlay as a PNG that is transparent where there is none.

    Laid over the image, it gives the overlay again.

    Args:
        overlay: as `blend_heat` makes it.
    """
    # Reduced first: heat is smooth, and means of redness are as free of the image as redness is.
    reduced = Image.fromarray(overlay)
    reduced.thumbnail((HEAT_SIDE, HEAT_SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    strength = recover_strength(np.asarray(reduced))
    colours = heat_palette()[np.linspace(0, 255, HEAT_LEVELS).round().astype(int)]
    levels = np.rint(strength * ((HEAT_LEVELS - 1) / 255)).astype(np.uint8)
    layer = Image.fromarray(levels)
    layer.putpalette(colours[:, :3].tobytes())
    file = io.BytesIO()
    layer.save(file, format="PNG", transparency=colours[:, 3].tobytes(), compress_level=6)
    return file.getvalue()


def make_data_uri(encoded: bytes) -> str:
    """Return a JPEG or PNG as a `data:` address."""
    kind = "png" if encoded.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _reduce(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture whose longer side has so many pixels at most."""
    reduced = picture.copy()
    box = side < min(picture.size) / 2
    reduced.thumbnail((side, side), Image.Resampling.BOX if box else Image.Resampling.BILINEAR)
    return reduced


def _encode(grey: Image.Image, most_bytes: int) -> bytes:
    """Return the best JPEG within the bytes; where the lowest quality takes more, one of a smaller picture."""
    for quality, better in QUALITIES:
        encoded = _encode_at(grey, quality)
        if len(encoded) <= most_bytes:
            finer = _encode_at(grey, better)
            return finer if len(finer) <= most_bytes else encoded
    while len(encoded) > most_bytes and (side := max(grey.size)) > SMALLEST_SIDE:
        fitting = int(side * math.sqrt(ROOM * most_bytes / len(encoded)))
        grey = _reduce(grey, max(SMALLEST_SIDE, min(side - 1, fitting)))
        encoded = _encode_at(grey, quality)
    return encoded


def _encode_at(grey: Image.Image, quality: int) -> bytes:
    return simplejpeg.encode_jpeg(np.ascontiguousarray(grey)[..., None], quality=quality, colorspace="GRAY")
