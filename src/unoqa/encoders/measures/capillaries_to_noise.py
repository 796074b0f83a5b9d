"""Ratio of capillaries to noise."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class CapillariesToNoise(Measure):
    """Local RMS of the capillary band divided by that of finer details."""

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How strong capillaries are relative to speckle; low in a noisy image."
    reason: ClassVar[str] = "noise hides capillaries"
    explained_by: ClassVar[tuple[str, ...]] = ("speckle", "sharpness", "defocus", "missing_area")

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare the two bands in the same squares."""
        return views.log_capillary_power - views.log_noise_power
