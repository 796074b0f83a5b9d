"""Draws a flawless en-face angiogram of the superficial plexus, from a random generator alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from unoqa.benchmark.phantom.contract import Lesion
from unoqa.benchmark.phantom.eye import Eye, draw_eye, make_pixel_grid, measure_eccentricity
from unoqa.benchmark.phantom.flow import STATIC, Flow
from unoqa.benchmark.phantom.vessels import draw_vessels


def draw_angiogram(
    rng: np.random.Generator, *, eye: Eye | None = None, lesion: Lesion | None = None, size: int = 320
) -> Float32[np.ndarray, "size size"]:
    """Draw a good scan, from 0 (black) to 1; its side shows about six millimetres.

    Args:
        eye: the eye to draw; None draws an eye at random.
        lesion: what the eye is ill with. It draws from a generator of its own: the same seed draws the same scan
            without it, and both are equal where the lesion is not.
    """
    eye = draw_eye(rng) if eye is None else eye
    flow = _draw_flow(eye, rng, size)
    speckle, illumination = _draw_speckle(eye, rng, size), _draw_illumination(rng, size)
    seen = _respond(flow, illumination, speckle, eye)
    gain = eye.brightness / seen.mean()
    if lesion is not None:
        diseased, _ = lesion.grow(flow, eye, rng.spawn(1)[0])
        seen = _respond(diseased, illumination, speckle, eye)
    return np.asarray(np.clip(seen * gain, 0, 1), np.float32)


def _draw_flow(eye: Eye, rng: np.random.Generator, size: int) -> Flow:
    eccentricity = measure_eccentricity(eye, *make_pixel_grid(size)).astype(np.float32)
    tissue = _compute_perfusion(eccentricity) * (1 - eye.pit * np.exp(-((eccentricity / 4.2) ** 2)))
    bed = 0.15 + 0.21 * _draw_capillaries(rng, size) * _draw_richness(eccentricity, rng)
    return Flow(STATIC + tissue * bed, draw_vessels(eye, rng, size=size))


def _compute_perfusion(eccentricity: Float32[np.ndarray, "size size"]) -> Float32[np.ndarray, "size size"]:
    """Return 0 inside the avascular zone, rising to 1 outside it."""
    return np.asarray(1 / (1 + np.exp(-6 * (eccentricity - 1))), np.float32)


def _draw_capillaries(rng: np.random.Generator, size: int) -> Float32[np.ndarray, "size size"]:
    """Draw capillaries as the lines where smooth noise changes sign: closed loops of equal width, like real ones."""
    fine, coarse = (_draw_zero_contours(rng, size, sigma) for sigma in (1.1, 1.8))
    return np.asarray(np.maximum(fine, coarse))


def _draw_zero_contours(rng: np.random.Generator, size: int, sigma: float) -> Float32[np.ndarray, "size size"]:
    noise = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), sigma * size / 320)
    level = noise / noise.std()
    return np.asarray(np.exp(-((level / 0.42) ** 2)))


def _draw_richness(
    eccentricity: Float32[np.ndarray, "size size"], rng: np.random.Generator
) -> Float32[np.ndarray, "size size"]:
    """Return a factor for the capillaries' brightness; the ring around the fovea is bright."""
    ring = 0.6 * np.exp(-(((eccentricity - 1.3) / 0.3) ** 2))
    return np.asarray((1 + ring) * (1 + 0.16 * _draw_coarse_noise(rng, len(eccentricity), 14.0)), np.float32)


def _draw_coarse_noise(rng: np.random.Generator, size: int, sigma: float) -> Float32[np.ndarray, "size size"]:
    """Draw smooth noise with standard deviation 1, on a coarse grid that is then interpolated."""
    cells = max(4, round(320 / sigma) * 2)
    noise = gaussian_filter(rng.standard_normal((cells, cells), dtype=np.float32), 2.0)
    places = np.linspace(0, cells - 1, size)
    rows = np.stack([np.interp(places, np.arange(cells), column) for column in noise.T], axis=1)
    cloud = np.stack([np.interp(places, np.arange(cells), row) for row in rows])
    return np.asarray(cloud / cloud.std(), np.float32)


def _draw_illumination(rng: np.random.Generator, size: int) -> Float32[np.ndarray, "size size"]:
    x, y = make_pixel_grid(size)
    slope = rng.normal(0, 0.16, 2)
    lines = gaussian_filter1d(rng.standard_normal(size), 0.8)[:, None]
    tilt = 1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    return np.asarray(tilt * (1 + 0.09 * _draw_coarse_noise(rng, size, 50.0)) * (1 + 0.03 * lines), np.float32)


def _draw_speckle(eye: Eye, rng: np.random.Generator, size: int) -> Float32[np.ndarray, "size size"]:
    """Draw multiplicative grain; neighbours share part of it, because the beam is wider than a pixel."""
    shape = 1 / eye.grain**2
    grain = rng.standard_gamma(shape, (size, size), dtype=np.float32) / np.float32(shape)
    smooth = gaussian_filter1d(grain, 0.6, axis=1)
    return np.asarray((grain + smooth) / 2, np.float32)


def _respond(
    flow: Flow, illumination: Float32[np.ndarray, "size size"], speckle: Float32[np.ndarray, "size size"], eye: Eye
) -> Float32[np.ndarray, "size size"]:
    """Light up the flow and apply the contrast curve."""
    # Fast flow saturates the decorrelation signal, so large vessels show little speckle.
    grain = 1 + (1 - 0.75 * flow.vessels) * (speckle - 1)
    return np.asarray(np.maximum(flow.signal * illumination * grain, 0) ** np.float32(eye.response))
