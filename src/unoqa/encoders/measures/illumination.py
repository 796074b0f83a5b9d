"""Uniformity of the illumination."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, subtract_median


@final
class Illumination(Measure):
    """Local mean brightness over 41×41 pixels, relative to the rest of the image."""

    unit: ClassVar[str] = "natural logarithm, minus the image's median"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How bright a place is relative to the rest; low in a shadow or at a dim edge."
    reason: ClassVar[str] = "uneven illumination"
    explained_by: ClassVar[tuple[str, ...]] = ("missing_area", "black_area")

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Subtract the image's median from the log of the local mean."""
        return subtract_median(np.log(views.local_mean(views.image, side=41) + 0.01))
