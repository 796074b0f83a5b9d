"""Steps between neighbouring rows."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.steps import steps
from unoqa.encoders.measures.parts.views import Views


@final
class RowSteps(Measure):
    """Local root mean square of the difference of neighbouring rows, each averaged over 121 pixels.

    A B-scan is a row: the eye's movement or a blink between two of them changes a whole row at once, and
    nothing of the anatomy does over a third of the field.
    """

    unit: ClassVar[str] = "natural logarithm of the bright level's share"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much neighbouring rows differ; high at motion lines and blinks."
    reason: ClassVar[str] = "motion lines"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare rows of the relative image."""
        return steps(views, across=0)
