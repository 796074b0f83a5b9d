"""Area without any signal."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class MissingArea(Measure):
    """Share of places, within 41×41 pixels, whose mean over 9×9 pixels is below a twentieth of the bright level.

    `black_area` counts single black pixels, of which a dim scan has many between its vessels; nothing is seen here.
    """

    unit: ClassVar[str] = "share of the area"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much of the area has no signal at all; high at a blink and beyond the scan's edge."
    reason: ClassVar[str] = "missing area"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Average first, so that grains of noise in a dark place keep it from counting."""
        around = uniform_filter(views.image, views.scale_length(9))
        return views.local_mean((around < 0.05 * views.bright_level).astype(np.float32), side=41)
