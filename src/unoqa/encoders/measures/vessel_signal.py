"""Brightness of vessels."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import GRID, Views, halve, subtract_median


@final
class VesselSignal(Measure):
    """Square root of the 90th percentile of 26×26 pixels; the root makes the noise of a photon count uniform."""

    unit: ClassVar[str] = "square root of brightness, minus the image's median"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How bright vessels are at a place; low where signal is lost."
    reason: ClassVar[str] = "weak signal"
    explained_by: ClassVar[tuple[str, ...]] = ("missing_area", "black_area", "illumination", "brightness")
    version: ClassVar[int] = 3

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure on the image reduced by 2×2 averages, which halves the speckle too."""
        halved = halve(views.image)
        side = len(halved)
        reach = views.scale_length(13) // 2
        around = sliding_window_view(np.pad(halved, reach, mode="reflect"), (2 * reach + 1, 2 * reach + 1))
        places = ((np.arange(GRID) + 0.5) * side / GRID).astype(int)
        windows = around[np.ix_(places, places)].reshape(GRID, GRID, -1)
        rank = int(0.9 * (windows.shape[-1] - 1) + 0.5)
        return subtract_median(np.sqrt(np.partition(windows, rank, axis=-1)[..., rank]))
