"""Microaneurysms: capillaries bulge, and show as bright dots of 40 to 120 micrometres."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Lesion
from unoqa.benchmark.phantom.eye import Eye, make_pixel_grid
from unoqa.benchmark.phantom.flow import Flow
from unoqa.benchmark.phantom.lesions.parts.areas import draw_place

COUNT = (4, 25)
"""Fewest and most of them in a field."""

DIAMETER = (0.0067, 0.02)
"""Smallest and largest, fractions of a side of six millimetres."""


@final
class Microaneurysms(Lesion):
    """Round and oval bright dots outside the avascular zone."""

    def grow(self, flow: Flow, eye: Eye, rng: np.random.Generator) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Add the dots; they are as bright as vessels of medium size."""
        size = len(flow.vessels)
        dots = [
            _draw_dot(draw_place(eye, rng, beyond=1.1), rng, size) for _ in range(rng.integers(*COUNT, endpoint=True))
        ]
        return flow.add_vessels(np.max(dots, axis=0))


def _draw_dot(place: tuple[float, float], rng: np.random.Generator, size: int) -> Float32[np.ndarray, "size size"]:
    x, y = make_pixel_grid(size)
    radius, angle, oval = rng.uniform(*DIAMETER) / 2, rng.uniform(0, np.pi), rng.uniform(1, 1.6)
    across, down = x - place[0], y - place[1]
    along, beside = across * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - across * np.sin(angle)
    distance = np.hypot(along / oval, beside)
    # The beam is about a pixel of 320 wide, and blurs the rim by so much.
    return np.asarray(rng.uniform(0.6, 0.9) * np.clip(0.5 + (radius - distance) * 320, 0, 1), np.float32)
