"""The colours of heat: an image tinted yellow to red where it differs from outstanding ones."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float, Int16, UInt8

MIN_HEAT, MAX_HEAT = 1.0, 4.0
"""Standard deviations above outstanding at which the colour begins and is full; the same for every image."""

MAX_OPACITY = 0.78
"""Share of the colour at `MAX_HEAT`; below 1, so that the image shows through."""

COLOURS = np.array([[255, 235, 120], [255, 150, 40], [235, 50, 35]], dtype=np.float64)
"""RGB from low to high heat; lightness falls too, for readers who cannot tell red from green."""

MAX_REDNESS = 510
"""Twice the largest value of a band; see `_measure_redness`."""

BLOCK_ROWS = 512
"""Rows of an overlay that are blended at once."""


def blend_heat(
    pixels: Float[np.ndarray, "rows columns"], heat: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Lay heat over an image.

    The rows are blended in blocks: in double precision, a large image as a whole would take many times its own memory.

    Args:
        pixels: brightness from 0 to 1.
        heat: standard deviations above outstanding.
    """
    blended = np.empty((*pixels.shape, 3), dtype=np.uint8)
    for start in range(0, len(pixels), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        blended[rows] = _blend_block(pixels[rows], heat[rows])
    return blended


def heat_palette() -> UInt8[np.ndarray, "256 4"]:
    """Return colour and opacity, RGBA, of each strength from 0 (`MIN_HEAT`) to 255 (`MAX_HEAT`)."""
    colour, opacity = _colour(np.linspace(0, 1, 256))
    return np.rint(np.concatenate([colour, 255 * opacity], axis=-1)).astype(np.uint8)


def recover_strength(overlay: UInt8[np.ndarray, "rows columns 3"]) -> UInt8[np.ndarray, "rows columns"]:
    """Return how strong the heat of an overlay is, from 0 (`MIN_HEAT`) to 255 (`MAX_HEAT`).

    The image below is grey, so by how much red exceeds green and blue depends on the heat alone.
    """
    return np.rint(255 * _strength_of_redness()).astype(np.uint8)[_measure_redness(overlay)]


def recover_grey(overlay: UInt8[np.ndarray, "rows columns 3"]) -> UInt8[np.ndarray, "rows columns"]:
    """Return the image below the heat of an overlay: what is left when colour is taken away by its opacity.

    Right to four levels of 255: where heat is full, the overlay keeps a fifth of the image's contrast.
    """
    redness = _measure_redness(overlay)
    colour, opacity = _colour(_strength_of_redness())
    tint = (opacity * colour).mean(axis=-1).astype(np.float32)
    gain = (1 / (1 - opacity[:, 0])).astype(np.float32)
    red, green, blue = _split(overlay)
    grey = ((red + green + blue) / np.float32(3) - tint[redness]) * gain[redness]
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)


def _measure_redness(overlay: UInt8[np.ndarray, "rows columns 3"]) -> Int16[np.ndarray, "rows columns"]:
    """Return by how much twice the red exceeds green and blue together: it rises all the way to full heat."""
    red, green, blue = _split(overlay)
    return np.clip(2 * red - green - blue, 0, MAX_REDNESS)


def _split(overlay: UInt8[np.ndarray, "rows columns 3"]) -> tuple[Int16[np.ndarray, "rows columns"], ...]:
    """Return the bands, wide enough for sums."""
    return tuple(overlay[..., band].astype(np.int16) for band in range(3))


@cache
def _strength_of_redness() -> Float[np.ndarray, " redness"]:
    """Return the strength, from 0 to 1, of each redness."""
    colour, opacity = _colour(np.linspace(0, 1, 1024))
    redness = colour @ [2, -1, -1] * opacity[:, 0]
    return np.interp(np.arange(MAX_REDNESS + 1), redness, np.linspace(0, 1, 1024))


def _blend_block(
    pixels: Float[np.ndarray, "rows columns"], heat: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    colour, opacity = _colour(np.clip((heat - MIN_HEAT) / (MAX_HEAT - MIN_HEAT), 0, 1))
    grey = 255.0 * np.clip(pixels, 0, 1)[..., None]
    return np.rint((1 - opacity) * grey + opacity * colour).astype(np.uint8)


def _colour(
    strength: Float[np.ndarray, "*places"],
) -> tuple[Float[np.ndarray, "*places 3"], Float[np.ndarray, "*places 1"]]:
    """Return colour and opacity of strengths from 0 to 1; the root lets weak heat be seen where the image is black."""
    stops = np.linspace(0, 1, len(COLOURS))
    colour = np.stack([np.interp(strength, stops, COLOURS[:, band]) for band in range(3)], axis=-1)
    return colour, MAX_OPACITY * np.sqrt(strength)[..., None]
