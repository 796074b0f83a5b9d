"""Doubled vessels."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from scipy import fft
from scipy.ndimage import uniform_filter

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views, halve

NEAREST, FARTHEST = 6, 64
"""Distances of a second copy in pixels: nearer ones are widths of vessels, farther ones rare."""

AROUND = 19
"""Side in pixels of the square of displacements above whose mean a copy stands out."""

CHANCE = 0.2
"""Peaks up to this are found in scans without a second copy: of 881 real ones none was higher than .19."""

WINDOW = 25
"""Side in pixels of the squares within which structure is divided by its strength."""


@final
class Doubled(Measure):
    """Highest isolated peak of the autocorrelation of vessels.

    Where two acquisitions are averaged that lie apart, each vessel has a second copy at one distance and direction,
    and the autocorrelation has a peak there: .5 if all vessels are doubled. Vessels of one direction make ridges in
    the autocorrelation, and no peak.
    """

    unit: ClassVar[str] = "autocorrelation above its surround"
    direction: ClassVar[int] = 1
    sentence: ClassVar[str] = "Whether vessels have a second copy at a fixed distance; high in a doubled image."
    reason: ClassVar[str] = "doubled vessels"
    local: ClassVar[bool] = False

    def measure(self, views: Views) -> Float[np.ndarray, "1 1"]:
        """Correlate the image's details, halved, with themselves at all displacements up to a fifth of the field."""
        nearest, farthest, around = (views.scale_length(length) // 2 for length in (NEAREST, FARTHEST, AROUND))
        reach = farthest + around
        correlation = _autocorrelate(halve(_equalise(views)), reach)
        standing_out = correlation - uniform_filter(correlation, around)
        distance = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
        looked_at = (distance >= nearest) & (distance <= farthest)
        return np.maximum(standing_out[looked_at].max(), CHANCE).reshape(1, 1)


def _equalise(views: Views) -> Float[np.ndarray, "size size"]:
    """Return vessels and capillaries, as strong in dim places as in bright ones, with mean 0."""
    details = views.without_speckle - views.without_capillaries
    power = uniform_filter(np.square(details), views.scale_length(WINDOW))
    even = details / (np.sqrt(np.maximum(power, 0)) + 0.02 * views.bright_level)
    return even - even.mean()


def _autocorrelate(field: Float[np.ndarray, "size size"], reach: int) -> Float[np.ndarray, "lags lags"]:
    """Return the autocorrelation at displacements up to `reach`: mean products where both copies lie."""
    size = len(field)
    length = fft.next_fast_len(size + reach, real=True)
    spectrum = fft.rfft2(field, (length, length))
    products = fft.irfft2(np.square(np.abs(spectrum)), (length, length))
    lags = np.arange(-reach, reach + 1)
    overlap = size - np.abs(lags)
    means = products[np.ix_(lags, lags)] / (overlap[:, None] * overlap)
    return means / max(float(means[reach, reach]), 1e-12)
