"""Brightness."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class Brightness(Measure):
    """Local mean brightness over 41×41 pixels, as stored in the file.

    It finds a scan that is dim everywhere; `illumination` compares places of one image.
    """

    unit: ClassVar[str] = "natural logarithm"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How bright a place is; low where the whole scan is dim."
    reason: ClassVar[str] = "dim"
    explained_by: ClassVar[tuple[str, ...]] = ("missing_area", "black_area", "illumination")

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Return the log of the local mean."""
        return np.log(views.local_mean(views.image, side=41) + 0.01)
