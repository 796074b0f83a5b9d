"""Contrast between vessels and background."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class Contrast(Measure):
    """Local standard deviation without speckle, divided by the local mean (Weber contrast)."""

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How far vessels and background lie apart; low in a washed-out image."
    reason: ClassVar[str] = "washed out"
    explained_by: ClassVar[tuple[str, ...]] = ("missing_area", "sharpness", "defocus")

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure on the image without the finest speckle."""
        return views.log_local_contrast
