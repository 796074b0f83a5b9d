"""Wide avascular zone: capillaries around the fovea are closed, and the zone without them is larger and irregular."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Bool

from unoqa.benchmark.phantom.contract import Lesion
from unoqa.benchmark.phantom.eye import Eye
from unoqa.benchmark.phantom.flow import Flow
from unoqa.benchmark.phantom.lesions.parts.areas import draw_area

WIDER = (1.4, 2.2)
"""Smallest and largest factor of the zone's radius: two to five times the area."""


@final
class WideAvascularZone(Lesion):
    """An avascular zone of two to five times the area."""

    def grow(self, flow: Flow, eye: Eye, rng: np.random.Generator) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Close the capillaries around the zone."""
        return flow.close(draw_area(eye.fovea, eye.zone * rng.uniform(*WIDER), rng, size=len(flow.vessels)))
