"""Non-perfused areas: capillaries are closed, and dark patches lie between the larger vessels."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Bool

from unoqa.benchmark.phantom.contract import Lesion
from unoqa.benchmark.phantom.eye import Eye
from unoqa.benchmark.phantom.flow import Flow
from unoqa.benchmark.phantom.lesions.parts.areas import draw_area, draw_place

COUNT = (2, 6)
"""Fewest and most of them in a field."""

RADIUS = (0.03, 0.1)
"""Smallest and largest, fractions of the side."""


@final
class Nonperfusion(Lesion):
    """Irregular areas without capillaries and without small vessels; larger vessels pass through."""

    def grow(self, flow: Flow, eye: Eye, rng: np.random.Generator) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Close the capillaries of 1 to 15 % of the field."""
        size, count = len(flow.vessels), int(rng.integers(*COUNT, endpoint=True))
        areas = [
            draw_area(draw_place(eye, rng, beyond=1.5), rng.uniform(*RADIUS), rng, size=size) for _ in range(count)
        ]
        return flow.close(np.max(areas, axis=0))
