"""Differences between neighbouring rows."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.steps import measure_steps
from unoqa.encoders.measures.parts.views import Views


@final
class RowSteps(Measure):
    """Local RMS of the difference between neighbouring rows, each averaged over 121 pixels.

    A row is one B-scan: an eye movement or a blink between two B-scans changes whole rows, whereas no anatomy changes
    abruptly over a third of the field.
    """

    unit: ClassVar[str] = "natural logarithm of the ratio to the bright level"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much neighbouring rows differ; high at motion lines and blinks."
    reason: ClassVar[str] = "motion lines"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare rows of the relative image."""
        return measure_steps(views, axis=0)
