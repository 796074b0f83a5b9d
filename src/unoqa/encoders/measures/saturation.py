"""Area of saturated pixels."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views

SATURATED = 0.98
"""Brightness from which a pixel counts as saturated: 250 in an 8-bit file."""


@final
class Saturation(Measure):
    """Share of pixels at the largest value that the file can hold."""

    unit: ClassVar[str] = "share of the area"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much of the area is at full white, where structure is lost."
    reason: ClassVar[str] = "overexposed"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Return the local share of saturated pixels."""
        return views.local_mean((views.image >= SATURATED).astype(np.float32))
