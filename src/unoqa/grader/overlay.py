"""The colours of heat: an image tinted yellow to red where it differs from outstanding ones."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

MIN_HEAT, MAX_HEAT = 1.0, 4.0
"""Standard deviations above outstanding at which the colour begins and is full; the same for every image."""

MAX_OPACITY = 0.65
"""Share of the colour at `MAX_HEAT`; below 1, so that the image shows through."""

COLOURS = np.array([[255, 235, 120], [255, 150, 40], [225, 40, 30]], dtype=np.float64)
"""RGB from low to high heat; lightness falls too, for readers who cannot tell red from green."""

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


def _blend_block(
    pixels: Float[np.ndarray, "rows columns"], heat: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    strength = np.clip((heat - MIN_HEAT) / (MAX_HEAT - MIN_HEAT), 0, 1)[..., None]
    stops = np.linspace(0, 1, len(COLOURS))
    colour = np.stack([np.interp(strength[..., 0], stops, COLOURS[:, band]) for band in range(3)], axis=-1)
    opacity = MAX_OPACITY * strength
    grey = 255.0 * np.clip(pixels, 0, 1)[..., None]
    return np.rint((1 - opacity) * grey + opacity * colour).astype(np.uint8)
