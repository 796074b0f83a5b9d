"""Sharpness."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, log_local_rms


@final
class Sharpness(Measure):
    """Local RMS of the capillary band divided by that of the next coarser band.

    Defocus weakens the finer of two neighbouring bands first, whatever the contrast.
    """

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How fine the finest structure is; low in a blurred image."
    reason: ClassVar[str] = "blur"
    explained_by: ClassVar[tuple[str, ...]] = ("defocus",)

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare the two bands in the same squares."""
        return views.log_capillary_power - log_local_rms(views, views.vessels)
