"""Place of the fovea."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class Centring(Measure):
    """Distance of the foveal avascular zone from the centre.

    The zone is the place without capillaries that is also dark: the minimum of capillary power and brightness
    smoothed to its size (about .4 mm), not nearer to the edge than a tenth of the field.
    """

    unit: ClassVar[str] = "share of half the field's width"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How far the fovea lies from the centre; high when it is off centre or cannot be found."
    reason: ClassVar[str] = "fovea off centre or not found"
    local: ClassVar[bool] = False

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Find the darkest place of its size on a grid of eighty places a side."""
        step = max(1, len(views.image) // 80)
        darkness = gaussian_filter(views.smoothest[::step, ::step], 12 / step, mode="reflect")
        margin = len(darkness) // 10
        inner = darkness[margin:-margin, margin:-margin]
        row, column = np.unravel_index(int(inner.argmin()), inner.shape)
        middle = (np.array(inner.shape) - 1) / 2
        distance = np.hypot(row - middle[0], column - middle[1]) / (len(darkness) / 2)
        return np.array([[distance]])
