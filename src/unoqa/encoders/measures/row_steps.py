"""Steps between neighbouring rows."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, log_root_mean_square


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
        """Measure on the relative image."""
        rows = uniform_filter1d(views.relative, views.length(121), axis=1, mode="reflect")
        return log_root_mean_square(views, np.diff(rows, axis=0, append=rows[-1:]))
