"""Displaced rows."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.displacement import measure_displacement
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class DisplacedRows(Measure):
    """How much better neighbouring rows continue each other sideways than straight.

    A row is one B-scan: when the eye jumps between two B-scans, all vessels break off at one row and continue to the
    left or to the right.
    """

    unit: ClassVar[str] = "difference of two correlations"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = (
        "How much better a row continues the one above sideways than straight; high where the eye jumped."
    )
    reason: ClassVar[str] = "displaced rows"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare rows of the image at the size of its file."""
        return measure_displacement(views.whole, axis=0)
