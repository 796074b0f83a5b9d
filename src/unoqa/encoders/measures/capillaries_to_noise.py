"""Capillaries against noise."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class CapillariesToNoise(Measure):
    """Root mean square of the capillary band over that of what is finer."""

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How strong capillaries are beside speckle; low in a noisy image."
    reason: ClassVar[str] = "noise hides capillaries"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure the two bands in the same squares."""
        return views.log_capillary_power - views.log_noise_power
