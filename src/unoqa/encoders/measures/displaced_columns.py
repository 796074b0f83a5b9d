"""Displaced columns."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.displacement import measure_displacement
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class DisplacedColumns(Measure):
    """Like `displaced_rows`, for columns: of devices that scan vertically, or merge two directions."""

    unit: ClassVar[str] = "difference of two correlations"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = (
        "How much better a column continues its left neighbour up or down than straight; high where the eye jumped."
    )
    reason: ClassVar[str] = "displaced columns"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare columns of the image at the size of its file."""
        return measure_displacement(views.whole, axis=1)
