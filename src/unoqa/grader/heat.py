"""Heat: where an image differs from outstanding ones."""

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
    """Mean and standard deviation of each map of a panel, over all places of unseen outstanding images."""

    means: Float[np.ndarray, " maps"]
    stds: Float[np.ndarray, " maps"]

    @classmethod
    def from_pairs(cls, levels: Sequence[tuple[float, float]]) -> HeatLevels:
        """Make levels of pairs (mean, standard deviation), one pair per map."""
        return cls(np.array([mean for mean, _ in levels]), np.array([std for _, std in levels]))

    @classmethod
    def restore(cls, state: Mapping[str, Tensor]) -> HeatLevels:
        """Return the levels that gave `state`."""
        return cls(state["means"].numpy(), state["stds"].numpy())

    def state(self) -> State:
        """Return means and standard deviations."""
        return {"means": torch.from_numpy(self.means), "stds": torch.from_numpy(self.stds)}

    def heat(self, prediction: Prediction, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
        """Return heat of the image's size: standard deviations above outstanding images, the mean over the maps.

        Maps of a single place do not say where and are left out; if all are such, the heat is uniform.
        """
        standardised = [
            np.maximum((grid - mean) / std, 0)
            for grid, mean, std in zip(prediction.maps, self.means, self.stds, strict=True)
        ]
        located = [grid for grid in standardised if grid.size > 1] or standardised
        total = np.zeros(shape, dtype=np.float32)
        for grid in located:  # one at a time: enlarged maps together would take many times the image's memory
            total += _enlarge(grid, shape)
        return total / len(located)


def _enlarge(grid: Float[np.ndarray, "_ _"], shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    tensor = torch.from_numpy(np.ascontiguousarray(grid)).float()[None, None]
    return functional.interpolate(tensor, shape, mode="bilinear", align_corners=False)[0, 0].numpy()
