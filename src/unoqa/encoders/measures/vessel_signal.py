"""Brightness of vessels and of the tissue between them."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import GRID, Views, beside_own_median


@final
class VesselSignal(Measure):
    """The 90th percentile of 26×26 pixels, as a square root: noise of a photon count then has one size."""

    unit: ClassVar[str] = "square root of brightness, beside the image's median"
    direction: ClassVar[int] = -1
    sentence: ClassVar[str] = "How bright vessels are at a place; low where signal is lost."
    reason: ClassVar[str] = "weak signal"
    version: ClassVar[int] = 2

    def measure(self, views: Views) -> Float[np.ndarray, "20 20"]:
        """Measure on the image halved by 2×2 averages, whose speckle is halved too."""
        side = len(views.image) // 2
        quarters = [views.image[row : 2 * side : 2, column : 2 * side : 2] for row in (0, 1) for column in (0, 1)]
        halved = sum(quarters[1:], quarters[0]) / 4
        reach = views.length(13) // 2
        around = sliding_window_view(np.pad(halved, reach, mode="reflect"), (2 * reach + 1, 2 * reach + 1))
        places = ((np.arange(GRID) + 0.5) * side / GRID).astype(int)
        windows = around[np.ix_(places, places)].reshape(GRID, GRID, -1)
        rank = int(0.9 * (windows.shape[-1] - 1) + 0.5)
        return beside_own_median(np.sqrt(np.partition(windows, rank, axis=-1)[..., rank]))
