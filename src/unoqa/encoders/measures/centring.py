"""Position of the fovea."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views

FOVEA_SIGMA, FOVEA_DISTANCE = 8, 30
"""Standard deviation in pixels of the blur that averages the foveal avascular zone, and distance to its surround."""

DIRECTIONS = np.arange(8) * np.pi / 4
"""Directions in which the surround is looked at. In one of them it may be dark: a shadow touches many a fovea."""

TOLERANCE = 0.3
"""Distance, relative to half the field's width, up to which no scan counts as worse for it."""

EDGE_PENALTY = 0.3
"""How much darker, relative to its surround, a place at the edge must be to win over one at the centre."""


@final
class Centring(Measure):
    """Distance of the foveal avascular zone from the centre.

    The zone is the place that is darkest relative to its surround in all directions but one: a shadow or a missing
    band goes on in two directions or more, and gaps between vessels are too small. Places near the centre are
    preferred, because patients fixate a mark there.
    """

    unit: ClassVar[str] = "share of half the field's width"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How far the fovea lies from the centre; high when it is off centre or cannot be found."
    reason: ClassVar[str] = "fovea off centre or not found"
    local: ClassVar[bool] = False
    version: ClassVar[int] = 3

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Find the zone on a grid of about 80 places per side, at least a tenth of the field from the edge."""
        step = max(1, len(views.image) // 80)
        coarse = views.without_capillaries[::step, ::step]
        zone = gaussian_filter(coarse, views.scale_length(FOVEA_SIGMA) / step)
        around = _find_surround(zone, views.scale_length(FOVEA_DISTANCE) / step)
        across = np.linspace(-1, 1, len(coarse))
        distance = np.hypot(across[:, None], across[None])
        floor = 0.1 * views.bright_level  # where nothing is seen, no place is darker than another
        darkness = (zone + floor) / (around + floor) + EDGE_PENALTY * np.square(distance)
        margin = len(coarse) // 10
        inside = slice(margin, len(coarse) - margin)
        place = darkness[inside, inside].argmin()
        return np.maximum(distance[inside, inside].ravel()[place].reshape(1, 1), TOLERANCE)


def _find_surround(zone: Float[np.ndarray, "size size"], distance: float) -> Float[np.ndarray, "size size"]:
    """Return, for each place, the second darkest of its surround in eight directions."""
    reach = round(distance)
    padded = np.pad(zone, reach, mode="edge")
    steps = [(round(distance * np.sin(angle)), round(distance * np.cos(angle))) for angle in DIRECTIONS]
    ways = [padded[reach + down :, reach + right :][: len(zone), : len(zone)] for down, right in steps]
    return np.partition(np.stack(ways), 1, axis=0)[1]
