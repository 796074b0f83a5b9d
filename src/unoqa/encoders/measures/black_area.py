"""Area without signal."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class BlackArea(Measure):
    """Share of pixels, within 41×41, that are darker than a tenth of the image's bright level."""

    unit: ClassVar[str] = "share of the area"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = (
        "How much of the area is black; high where signal is lost between vessels, and in shadows."
    )
    reason: ClassVar[str] = "dark area"
    explained_by: ClassVar[tuple[str, ...]] = ("missing_area",)

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Compare pixels with the bright level, so that a dim image does not count as black."""
        black = (views.image < 0.1 * views.bright_level).astype(np.float32)
        return views.local_mean(black, side=41)
