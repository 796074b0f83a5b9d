"""Areas with an irregular outline, and places in the field."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter

from unoqa.benchmark.phantom.eye import Eye, draw_lobes, make_pixel_grid, measure_eccentricity, measure_radii

RIM, RAGGED = 0.015, 0.12
"""Width of an area's rim, a fraction of the side; and how far the rim strays, a share of the radius."""

MESH = 0.008
"""Size of a mesh of capillaries, a fraction of the side: capillaries close one by one, which makes the rim ragged."""


def draw_area(
    centre: tuple[float, float], radius: float, rng: np.random.Generator, *, size: int
) -> Float32[np.ndarray, "size size"]:
    """Draw a weight: about 1 in an area around `centre`, 0 outside; lengths are fractions of the side."""
    distance = measure_radii(*make_pixel_grid(size), centre, radius, draw_lobes(rng))
    meshes = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), MESH * size)
    depth = (1 - distance + RAGGED * meshes / meshes.std()) * radius / RIM
    return np.asarray(rng.uniform(0.8, 1) * np.clip(0.5 + depth, 0, 1), np.float32)


def draw_place(eye: Eye, rng: np.random.Generator, *, beyond: float) -> tuple[float, float]:
    """Draw a place in the field, so many radii of the avascular zone from the fovea at least."""
    while True:
        x, y = rng.uniform(0.03, 0.97, (2, 1))
        if measure_eccentricity(eye, x, y)[0] > beyond:
            return float(x[0]), float(y[0])
