"""Sharpness."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, log_root_mean_square


@final
class Sharpness(Measure):
    """Root mean square of the capillary band over that of the next coarser one.

    Defocus takes the finer of two neighbouring bands first, whatever the contrast.
    """

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How fine the finest structure is; low in a blurred image."
    reason: ClassVar[str] = "blur"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure the two bands in the same squares."""
        return views.log_capillary_power - log_root_mean_square(views, views.vessels)
