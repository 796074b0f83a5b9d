"""Two centres, and the rule that a point belongs to the nearer one."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.contracts import Assignment, Partition, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
class Centres(Partition):
    """A partition by the nearer of two centres."""

    def __init__(self, centres: Float[np.ndarray, "2 low"]) -> None:
        self._centres = centres

    @classmethod
    def restore(cls, state: Mapping[str, Tensor]) -> Centres:
        """Return the partition that gave `state`."""
        return cls(state["centres"].cpu().numpy())

    def assign(self, points: Float[np.ndarray, "images low"]) -> Assignment:
        """Assign each point; the margin grows from the plane between the centres to the own centre."""
        squared = np.square(points[:, None, :] - self._centres[None]).sum(axis=2)
        between = np.square(self._centres[1] - self._centres[0]).sum()
        margin = np.abs(squared[:, 1] - squared[:, 0]) / max(float(between), np.finfo(np.float64).tiny)
        return Assignment(cluster=squared.argmin(axis=1), margin=np.clip(margin, 0.0, 1.0))

    def state(self) -> State:
        """Return the centres."""
        return {"centres": torch.from_numpy(np.ascontiguousarray(self._centres))}
