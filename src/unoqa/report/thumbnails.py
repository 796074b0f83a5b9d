"""Pictures small enough for a page: an image as a grey JPEG, its heat as a PNG to lay over it.

Both are encoded anew from pixels, so nothing that the file said of a patient is in them.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import simplejpeg
from jaxtyping import Float, UInt8
from PIL import Image

from unoqa.grader.overlay import heat_palette, recover_strength

QUALITIES = (82, 60, 45, 30)
"""JPEG qualities that are tried, the best first."""

SMALLEST_SIDE = 48
"""Pixels below which a picture is not reduced further, whatever its bytes."""

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
    while True:
        grey.thumbnail((side, side), Image.Resampling.BOX if side < min(grey.size) / 2 else Image.Resampling.BILINEAR)
        array = np.ascontiguousarray(grey)[..., None]
        for quality in QUALITIES:
            encoded = simplejpeg.encode_jpeg(array, quality=quality, colorspace="GRAY")
            if len(encoded) <= most_bytes:
                return encoded
        if side <= SMALLEST_SIDE:
            return encoded
        side = max(SMALLEST_SIDE, int(0.75 * min(side, max(grey.size))))


def make_heat_layer(overlay: UInt8[np.ndarray, "rows columns 3"]) -> bytes:
    """Return the heat of an overlay as a PNG that is transparent where there is none.

    Laid over the image, it gives the overlay again.

    Args:
        overlay: as `blend_heat` makes it.
    """
    # Reduced first: heat is smooth, and means of red minus blue are as free of the image as red minus blue is.
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
