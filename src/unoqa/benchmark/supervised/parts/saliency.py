"""Where an image differs from what its own spectrum leads one to expect."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import fft, ndimage

SIDE = 64
"""Width at which the authors look at an image: the scale of what is seen at a glance."""

NEIGHBOURHOOD = 3
"""Side of the square over which the log spectrum is averaged, in frequencies."""

SMOOTHING = 2.5
"""Standard deviation that the authors' program smooths the map with, in pixels of the map."""

FLOOR = 1e-9
"""Share of the strongest amplitude that is added to each; a pattern without noise has amplitudes of 0."""

TILES = 4

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def saliency_map(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "64 64"]:
    """Return the spectral residual saliency (Hou, Zhang 2007, equations 3–5), with a mean of 1.

    The residual is what is left of the log amplitude when its mean over neighbouring frequencies is taken away;
    transformed back with the image's own phase, squared and smoothed, it is high where the image is odd.
    """
    spectrum = fft.fft2(_seen_at_a_glance(pixels.astype(np.float64)))
    amplitude = np.abs(spectrum)
    log = np.log(amplitude + FLOOR * amplitude.max() + np.finfo(np.float64).tiny)
    residual = log - ndimage.uniform_filter(log, NEIGHBOURHOOD, mode="wrap")  # a spectrum is periodic
    odd = np.abs(fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = ndimage.gaussian_filter(odd, SMOOTHING, mode="nearest")
    return smooth / smooth.mean()


def saliency_features(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "22"]:
    """Return the map's means in 4×4 tiles, row by row, and its quantiles: where it is high, and how unevenly."""
    values = saliency_map(pixels)
    tiles = values.reshape(TILES, SIDE // TILES, TILES, SIDE // TILES).mean(axis=(1, 3))
    return np.concatenate([tiles.ravel(), np.quantile(values, QUANTILES)])


def _seen_at_a_glance(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "64 64"]:
    """Return the means over 64×64 equal squares; a pixel between two counts in each by its part there."""
    pixel, edge = np.arange(len(pixels)), np.linspace(0, len(pixels), SIDE + 1)
    ends = np.minimum(edge[1:, None], pixel + 1)
    starts = np.maximum(edge[:-1, None], pixel)
    parts = np.clip(ends - starts, 0, None)
    parts /= parts.sum(axis=1, keepdims=True)
    return parts @ pixels @ parts.T
