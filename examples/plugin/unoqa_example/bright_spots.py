"""A measure in one file, written with `unoqa.contracts` only."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.contracts import Measure, Views


@final
class BrightSpots(Measure):
    """Share of pixels around a place that are far brighter than their surroundings, such as reflexes."""

    unit: ClassVar[str] = "share"
    direction: ClassVar[int] = +1
    sentence: ClassVar[str] = "How much of a place is specks of light; high where something reflects."
    reason: ClassVar[str] = "specks of light"
    explained_by: ClassVar[tuple[str, ...]] = ("saturation",)
    version: ClassVar[int] = 1

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Return the share of such pixels in 41×41 around each place of the grid."""
        excess = views.image - views.without_capillaries
        return views.local_mean((excess > 0.3).astype(np.float32), side=41)
