"""Place of the fovea."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.averaging import blurred
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views

FOVEA, SURROUND = 10, 30
"""Pixels over which the foveal avascular zone and what lies around it are averaged."""

PULL = 0.3
"""How much darker than its surround a dark place at the edge must be to be preferred to one at the centre."""


@final
class Centring(Measure):
    """Distance of the foveal avascular zone from the centre.

    The zone is the place that is darkest beside its surround; a shadow is dark as a whole and a vessel's gap
    too small. Of two such places the nearer to the centre is taken: patients look at a mark.
    """

    unit: ClassVar[str] = "share of half the field's width"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How far the fovea lies from the centre; high when it is off centre or cannot be found."
    reason: ClassVar[str] = "fovea off centre or not found"
    local: ClassVar[bool] = False

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Find the zone on a grid of about eighty places a side, a tenth of the field from the edge."""
        step = max(1, len(views.image) // 80)
        coarse = views.smoothest[::step, ::step]
        zone, around = (blurred(coarse, views.length(sigma) / step, cut=4) for sigma in (FOVEA, SURROUND))
        across = np.linspace(-1, 1, len(coarse))
        distance = np.hypot(across[:, None], across[None])
        darkness = zone / (around + 0.05 * views.bright_level) + PULL * np.square(distance)
        margin = len(coarse) // 10
        inside = slice(margin, len(coarse) - margin)
        place = darkness[inside, inside].argmin()
        return distance[inside, inside].ravel()[place].reshape(1, 1)
