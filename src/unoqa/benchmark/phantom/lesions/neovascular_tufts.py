"""Neovascular tufts: new vessels grow on the retina in bright tangles."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Bool, Float, Float32
from PIL import Image, ImageDraw

from unoqa.benchmark.phantom.contract import Lesion
from unoqa.benchmark.phantom.eye import Eye
from unoqa.benchmark.phantom.flow import Flow
from unoqa.benchmark.phantom.lesions.parts.areas import draw_place
from unoqa.benchmark.phantom.vessels import SUPERSAMPLING

COUNT = (1, 3)
"""Fewest and most of them in a field."""

RADIUS = (0.03, 0.09)
"""Smallest and largest, fractions of the side."""

STEPS = 40
"""Points of one new vessel."""


@final
class NeovascularTufts(Lesion):
    """Tangles of fine, winding, bright vessels."""

    def grow(self, flow: Flow, eye: Eye, rng: np.random.Generator) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Add one to three tangles."""
        large = len(flow.vessels) * SUPERSAMPLING
        picture = Image.new("L", (large, large))
        for _ in range(rng.integers(*COUNT, endpoint=True)):
            centre, radius = np.array(draw_place(eye, rng, beyond=2.5)), rng.uniform(*RADIUS)
            for _ in range(rng.integers(8, 16)):
                _draw_vessel(picture, centre + radius * _wind(rng), rng)
        return flow.add_vessels(_average(picture))


def _wind(rng: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Return the points of a vessel that winds outwards from the middle of a tuft of radius 1."""
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, STEPS))
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * 2.5 / STEPS
    points = np.cumsum(steps, axis=0)
    return np.asarray(points / np.maximum(1, np.linalg.norm(points, axis=1, keepdims=True)))


def _draw_vessel(picture: Image.Image, points: Float[np.ndarray, "points 2"], rng: np.random.Generator) -> None:
    width = round(rng.uniform(1.2, 2.2) * picture.width / 320)
    line = [(float(x), float(y)) for x, y in points * picture.width]
    ImageDraw.Draw(picture).line(line, fill=int(rng.integers(140, 235)), width=width, joint="curve")


def _average(picture: Image.Image) -> Float32[np.ndarray, "size size"]:
    return np.asarray(picture.reduce(SUPERSAMPLING), dtype=np.float32) / np.float32(255)
