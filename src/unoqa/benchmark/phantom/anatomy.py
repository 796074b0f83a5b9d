"""A faultless en-face angiogram of the superficial plexus, drawn from nothing but a random generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from unoqa.benchmark.phantom.eye import Eye, any_eye, eccentricity
from unoqa.benchmark.phantom.vessels import vessels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def angiogram(rng: np.random.Generator, *, size: int = 320) -> NDArray[np.float32]:
    """Draw a good scan of some eye, from 0 (black) to 1, with about six millimetres on a side."""
    return scan(any_eye(rng), rng, size=size)


def scan(eye: Eye, rng: np.random.Generator, *, size: int = 320) -> NDArray[np.float32]:
    """Draw a good scan of this eye."""
    x, y = _grid(size)
    away = eccentricity(eye, x, y).astype(np.float32)
    tissue = _supplied(away) * (1 - eye.pit * np.exp(-((away / 4.2) ** 2)))
    perfused = 0.05 + tissue * (0.15 + 0.21 * _mesh(rng, size) * _richness(away, rng))
    tree = vessels(eye, rng, size=size)
    # Fast flow saturates the decorrelation signal, so large vessels show little speckle.
    grain = 1 + (1 - 0.75 * tree) * (_speckle(eye, rng, size) - 1)
    return _exposed((perfused + 0.75 * tree) * _illumination(rng, size) * grain, eye)


def _grid(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    down, across = np.indices((size, size))
    return np.asarray((across + 0.5) / size, np.float32), np.asarray((down + 0.5) / size, np.float32)


def _supplied(away: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rise from 0 inside the avascular zone to 1 outside it."""
    return np.asarray(1 / (1 + np.exp(-6 * (away - 1))), np.float32)


def _mesh(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Capillaries as the lines where smooth noise changes sign: closed loops of one width, as real ones."""
    fine, coarse = (_contours(rng, size, sigma) for sigma in (1.1, 1.8))
    return np.asarray(np.maximum(fine, coarse))


def _contours(rng: np.random.Generator, size: int, sigma: float) -> NDArray[np.float32]:
    noise = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), sigma * size / 320)
    level = noise / noise.std()
    return np.asarray(np.exp(-((level / 0.42) ** 2)))


def _richness(away: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Vary the capillaries' brightness over the field; the ring around the fovea is bright."""
    ring = 0.6 * np.exp(-(((away - 1.3) / 0.3) ** 2))
    return np.asarray((1 + ring) * (1 + 0.16 * _clouds(rng, len(away), 14.0)), np.float32)


def _clouds(rng: np.random.Generator, size: int, sigma: float) -> NDArray[np.float32]:
    """Smooth noise of unit spread; drawn coarse, since nothing in it is fine."""
    cells = max(4, round(320 / sigma) * 2)
    noise = gaussian_filter(rng.standard_normal((cells, cells), dtype=np.float32), 2.0)
    places = np.linspace(0, cells - 1, size)
    rows = np.stack([np.interp(places, np.arange(cells), column) for column in noise.T], axis=1)
    cloud = np.stack([np.interp(places, np.arange(cells), row) for row in rows])
    return np.asarray(cloud / cloud.std(), np.float32)


def _illumination(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    x, y = _grid(size)
    slope = rng.normal(0, 0.16, 2)
    lines = gaussian_filter1d(rng.standard_normal(size), 0.8)[:, None]
    tilt = 1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    return np.asarray(tilt * (1 + 0.09 * _clouds(rng, size, 50.0)) * (1 + 0.03 * lines), np.float32)


def _speckle(eye: Eye, rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Multiplicative grain; neighbours share a part of it, as the beam is wider than a pixel."""
    shape = 1 / eye.grain**2
    grain = rng.standard_gamma(shape, (size, size), dtype=np.float32) / np.float32(shape)
    smooth = gaussian_filter1d(grain, 0.6, axis=1)
    return np.asarray((grain + smooth) / 2, np.float32)


def _exposed(flow: NDArray[np.float32], eye: Eye) -> NDArray[np.float32]:
    """Apply the contrast curve and bring the mean to the scan's brightness."""
    curved = np.maximum(flow, 0) ** np.float32(eye.response)
    return np.asarray(np.clip(curved * (eye.brightness / curved.mean()), 0, 1), np.float32)
