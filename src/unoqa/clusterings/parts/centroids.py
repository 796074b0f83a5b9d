"""Two centroids: a point belongs to the nearer one."""

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
class Centroids(Partition):
    """A partition that assigns each point to the nearer of two centroids."""

    def __init__(self, centroids: Float[np.ndarray, "2 low"]) -> None:
        self._centroids = centroids

    @classmethod
    def restore(cls, state: Mapping[str, Tensor]) -> Centroids:
        """Return the partition that gave `state`."""
        return cls(state["centroids"].cpu().numpy())

    def assign(self, points: Float[np.ndarray, "images low"]) -> Assignment:
        """Assign each point; the margin is 0 midway between the centroids and 1 at the point's own one or beyond it."""
        squared = np.square(points[:, None, :] - self._centroids[None]).sum(axis=2)
        between = np.square(self._centroids[1] - self._centroids[0]).sum()
        margin = np.abs(squared[:, 1] - squared[:, 0]) / max(float(between), np.finfo(np.float64).tiny)
        return Assignment(cluster=squared.argmin(axis=1), margin=np.clip(margin, 0.0, 1.0))

    def state(self) -> State:
        """Return the centroids."""
        return {"centroids": torch.from_numpy(np.ascontiguousarray(self._centroids))}
