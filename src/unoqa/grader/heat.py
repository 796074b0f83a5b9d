"""Where an image differs from outstanding ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from unoqa.core.contracts import State
    from unoqa.grader.panel import Prediction


@final
@dataclass(frozen=True)
class HeatLevels:
    """How high each map of a panel is on unseen outstanding images: mean and deviation over all places."""

    means: Float[np.ndarray, " maps"]
    spreads: Float[np.ndarray, " maps"]

    @classmethod
    def of(cls, levels: Sequence[tuple[float, float]]) -> HeatLevels:
        """Take the levels that a panel's maps have on images its modules have not seen."""
        return cls(np.array([mean for mean, _ in levels]), np.array([spread for _, spread in levels]))

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> HeatLevels:
        """Return the levels that gave `state`."""
        return cls(state["means"].numpy(), state["spreads"].numpy())

    def state(self) -> State:
        """Return means and standard deviations."""
        return {"means": torch.from_numpy(self.means), "spreads": torch.from_numpy(self.spreads)}

    def heat(self, prediction: Prediction, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
        """Return heat of the image's own size: standard deviations above outstanding, the mean over the maps.

        Maps of one place say nothing of where and are left out. Where all are of one place the heat is even.
        """
        standardised = [
            np.maximum((grid - mean) / spread, 0)
            for grid, mean, spread in zip(prediction.maps, self.means, self.spreads, strict=True)
        ]
        placed = [grid for grid in standardised if grid.size > 1] or standardised
        total = np.zeros(shape, dtype=np.float32)
        for grid in placed:  # one at a time: together, enlarged, they would take many times the image's memory
            total += _enlarged(grid, shape)
        return total / len(placed)


def _enlarged(grid: Float[np.ndarray, "_ _"], shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    tensor = torch.from_numpy(np.ascontiguousarray(grid)).float()[None, None]
    return functional.interpolate(tensor, shape, mode="bilinear", align_corners=False)[0, 0].numpy()
