"""Strength of the capillary band."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, subtract_median


@final
class CapillarySignal(Measure):
    """Local RMS of the band of one to three pixels."""

    unit: ClassVar[str] = "natural logarithm, minus the image's median"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How strongly capillaries stand out at a place; low where they are lost."
    reason: ClassVar[str] = "capillaries lost"
    explained_by: ClassVar[tuple[str, ...]] = (
        "missing_area",
        "black_area",
        "illumination",
        "brightness",
        "vessel_signal",
        "sharpness",
        "defocus",
    )

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Subtract the image's median, because devices differ in sharpness."""
        return subtract_median(views.log_capillary_power)
