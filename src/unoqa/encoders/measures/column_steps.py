"""Differences between neighbouring columns."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.steps import measure_steps
from unoqa.encoders.measures.parts.views import Views


@final
class ColumnSteps(Measure):
    """Like `row_steps`, for columns: devices that scan vertically, or merge two directions, have motion lines here."""

    unit: ClassVar[str] = "natural logarithm of the ratio to the bright level"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much neighbouring columns differ; high at vertical motion lines and streaks."
    reason: ClassVar[str] = "vertical motion lines"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare columns of the relative image."""
        return measure_steps(views, axis=1)
