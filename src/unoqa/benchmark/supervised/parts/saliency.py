"""Saliency: where an image differs from what its own spectrum predicts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import fft, ndimage

SIDE = 64
"""Side to which the authors reduce an image: the scale of what is seen at a glance."""

NEIGHBOURHOOD = 3
"""Side of the square over which the log spectrum is averaged, in frequencies."""

SMOOTHING = 2.5
"""Standard deviation with which the authors' program smooths the map, in pixels of the map."""

FLOOR = 1e-9
"""Share of the strongest amplitude that is added to each; a pattern without noise has amplitudes of 0."""

TILES = 4

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def compute_saliency_map(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "64 64"]:
    """Return the spectral residual saliency (Hou, Zhang 2007, equations 3–5), with a mean of 1.

    The residual is the log amplitude minus its mean over neighbouring frequencies. Transformed back with the image's
    own phase, squared and smoothed, it is high where the image is unusual.
    """
    spectrum = fft.fft2(_downsample(pixels.astype(np.float64)))
    amplitude = np.abs(spectrum)
    log = np.log(amplitude + FLOOR * amplitude.max() + np.finfo(np.float64).tiny)
    residual = log - ndimage.uniform_filter(log, NEIGHBOURHOOD, mode="wrap")  # a spectrum is periodic
    saliency = np.abs(fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = ndimage.gaussian_filter(saliency, SMOOTHING, mode="nearest")
    return smooth / smooth.mean()


def compute_saliency_features(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "22"]:
    """Return the map's means in 4×4 tiles, row by row, and its quantiles: where it is high, and how unevenly."""
    values = compute_saliency_map(pixels)
    tiles = values.reshape(TILES, SIDE // TILES, TILES, SIDE // TILES).mean(axis=(1, 3))
    return np.concatenate([tiles.ravel(), np.quantile(values, QUANTILES)])


def _downsample(pixels: Float[np.ndarray, "size size"]) -> Float[np.ndarray, "64 64"]:
    """Return the means over 64×64 equal squares; a pixel on a border counts in each square by its share there."""
    pixel, edge = np.arange(len(pixels)), np.linspace(0, len(pixels), SIDE + 1)
    ends = np.minimum(edge[1:, None], pixel + 1)
    starts = np.maximum(edge[:-1, None], pixel)
    weights = np.clip(ends - starts, 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ pixels @ weights.T
