"""Position of the fovea."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views

FOVEA_SIGMA, SURROUND_SIGMA = 10, 30
"""Standard deviations in pixels of the blurs that average the foveal avascular zone and its surround."""

EDGE_PENALTY = 0.3
"""How much darker, relative to its surround, a place at the edge must be to win over one at the centre."""


@final
class Centring(Measure):
    """Distance of the foveal avascular zone from the centre.

    The zone is the place that is darkest relative to its surround: in a shadow the surround is dark too, and gaps
    between vessels are too small. Places near the centre are preferred, because patients fixate a mark there.
    """

    unit: ClassVar[str] = "share of half the field's width"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How far the fovea lies from the centre; high when it is off centre or cannot be found."
    reason: ClassVar[str] = "fovea off centre or not found"
    local: ClassVar[bool] = False

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Find the zone on a grid of about 80 places per side, at least a tenth of the field from the edge."""
        step = max(1, len(views.image) // 80)
        coarse = views.without_capillaries[::step, ::step]
        zone, around = (
            gaussian_filter(coarse, views.scale_length(sigma) / step) for sigma in (FOVEA_SIGMA, SURROUND_SIGMA)
        )
        across = np.linspace(-1, 1, len(coarse))
        distance = np.hypot(across[:, None], across[None])
        darkness = zone / (around + 0.05 * views.bright_level) + EDGE_PENALTY * np.square(distance)
        margin = len(coarse) // 10
        inside = slice(margin, len(coarse) - margin)
        place = darkness[inside, inside].argmin()
        return distance[inside, inside].ravel()[place].reshape(1, 1)
