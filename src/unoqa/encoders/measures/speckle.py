"""Contrast of speckle."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views


@final
class Speckle(Measure):
    """The numbers of `contrast`, bad where they are high (speckle contrast, Goodman 1976).

    With little signal, pixels are white or black by chance, and the standard deviation approaches the mean or exceeds
    it; between the vessels of a good scan, capillaries keep the mean up.
    """

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "How grainy a place is: the spread of brightness over its mean; high where noise rules."
    reason: ClassVar[str] = "noise hides capillaries"

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure on the image without the finest speckle, which compression removes from some exports."""
        return views.log_local_contrast
