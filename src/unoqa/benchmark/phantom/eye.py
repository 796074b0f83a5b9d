"""How eyes and scans differ from each other before anything goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float32


@final
@dataclass(frozen=True)
class Eye:
    """The anatomy of one eye and the device settings of one scan; lengths are fractions of the image's side.

    Attributes:
        fovea: x and y of the centre of the foveal avascular zone.
        disc: -1 where the optic disc lies beyond the left edge, +1 beyond the right one.
        zone: mean radius of the avascular zone.
        lobes: amplitude and phase of the zone's outline, for two, three, … lobes.
        arcades: signed distance from the fovea at which each large vessel passes, and its tilt.
        pit: how much darker the thin retina around the fovea is, as a share.
        brightness: mean of the finished scan.
        response: exponent of the device's contrast curve; higher = darker background.
        grain: standard deviation of the speckle, relative to the signal.
    """

    fovea: tuple[float, float]
    disc: int
    zone: float
    lobes: tuple[tuple[float, float], ...]
    arcades: tuple[tuple[float, float], ...]
    pit: float
    brightness: float
    response: float
    grain: float


def draw_eye(rng: np.random.Generator) -> Eye:
    """Draw an eye at random, within the range that good scans show."""
    return Eye(
        fovea=(float(rng.normal(0.5, 0.025)), float(rng.normal(0.5, 0.025))),
        disc=-1 if rng.random() < 0.5 else 1,
        zone=float(np.clip(rng.normal(0.048, 0.01), 0.026, 0.075)),
        lobes=draw_lobes(rng),
        arcades=_draw_arcades(rng),
        pit=float(rng.uniform(0.15, 0.5)),
        brightness=float(rng.normal(0.345, 0.035)),
        response=float(rng.uniform(0.95, 1.2)),
        grain=float(rng.uniform(0.28, 0.44)),
    )


def draw_lobes(rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Draw amplitude and phase of two to six lobes of an outline."""
    return tuple((float(rng.normal(0.0, 0.22 / n)), float(rng.uniform(0, 6.28))) for n in range(2, 7))


def _draw_arcades(rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    near = [(side * rng.uniform(0.2, 0.37), rng.normal(0, 0.2)) for side in (-1, 1)]
    far = [(side * rng.uniform(0.4, 0.58), rng.normal(0, 0.25)) for side in (-1, 1) if rng.random() < 0.6]
    return tuple((float(offset), float(tilt)) for offset, tilt in near + far)


def make_pixel_grid(size: int) -> tuple[Float32[np.ndarray, "size size"], Float32[np.ndarray, "size size"]]:
    """Return x and y of every pixel's centre, as fractions of the side."""
    down, across = np.indices((size, size))
    return np.asarray((across + 0.5) / size, np.float32), np.asarray((down + 0.5) / size, np.float32)


def measure_eccentricity(
    eye: Eye, x: Float[np.ndarray, "*shape"], y: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return the distance from the fovea, in units of the avascular zone's radius in that direction."""
    return measure_radii(x, y, eye.fovea, eye.zone, eye.lobes)


def measure_radii(
    x: Float[np.ndarray, "*shape"],
    y: Float[np.ndarray, "*shape"],
    centre: tuple[float, float],
    radius: float,
    lobes: tuple[tuple[float, float], ...],
) -> Float[np.ndarray, "*shape"]:
    """Return the distance from the centre of an area with lobes, in units of its radius in that direction."""
    across, down = x - centre[0], y - centre[1]
    angle = np.arctan2(down, across)
    outline = np.ones_like(angle)
    for count, (amplitude, phase) in enumerate(lobes, start=2):
        outline += amplitude * np.cos(count * angle + phase)
    return np.hypot(across, down) / (radius * np.maximum(outline, 0.5))
