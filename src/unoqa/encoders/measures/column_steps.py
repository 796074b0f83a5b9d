"""Steps between neighbouring columns."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, log_root_mean_square


@final
class ColumnSteps(Measure):
    """As `row_steps`, across: devices that scan vertically, or merge two directions, leave their lines here."""

    unit: ClassVar[str] = "natural logarithm of the bright level's share"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How much neighbouring columns differ; high at vertical motion lines and streaks."
    reason: ClassVar[str] = "vertical motion lines"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure on the relative image."""
        columns = uniform_filter1d(views.relative, views.length(121), axis=0, mode="reflect")
        return log_root_mean_square(views, np.diff(columns, axis=1, append=columns[:, -1:]))
