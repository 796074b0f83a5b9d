"""Defocus."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import REFERENCE_SIZE, Views, log_local_rms

COARSE_SIGMA = 10.0
"""Standard deviation in pixels of the blur beyond which nothing is compared."""


REDUCTION = 4
"""Pixels from which one is taken to compute the coarse structure."""

SHARPEST = 0.9
"""Share of places that are less sharp: an image is out of focus if its sharpest places are blurred too."""

IN_FOCUS = 0.63
"""Logarithm of the ratio above which all scans count alike: 99 of 100 poor real scans of two devices are above it."""


@final
class Defocus(Measure):
    """Local RMS of the bands of one to six pixels divided by that of coarser structure, at the sharpest places.

    `sharpness` compares two fine bands, which a strong blur takes away both. The edges of a shadow are coarse structure
    too; but they are not everywhere.
    """

    unit: ClassVar[str] = "natural logarithm of the ratio"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How strong vessels are beside coarse structure; low in an image that is out of focus."
    reason: ClassVar[str] = "blur"
    local: ClassVar[bool] = False

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Compare the bands in the same squares."""
        fine = log_local_rms(views, views.without_speckle - views.without_capillaries)
        reduced = Views(views.without_capillaries[::REDUCTION, ::REDUCTION])  # blurred, so every fourth pixel will do
        sigma = COARSE_SIGMA * len(reduced.image) / REFERENCE_SIZE
        coarse = log_local_rms(reduced, reduced.image - gaussian_filter(reduced.image, sigma))
        ratio = np.quantile(fine - coarse, SHARPEST)
        return np.minimum(ratio, IN_FOCUS).reshape(1, 1)
