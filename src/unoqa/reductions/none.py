"""No reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from unoqa.core.contracts import FittedReduction, Reduction, State
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class NoReduction(Reduction):
    """Points stay as they are: for representations of few numbers."""

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _Unchanged:
        """Learn nothing."""
        del points, seed
        return _Unchanged()

    def restore(self, state: Mapping[str, Tensor]) -> _Unchanged:
        """Return the projection that gave `state`."""
        del state
        return _Unchanged()


@final
class _Unchanged(FittedReduction):
    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Return the points."""
        return points

    def state(self) -> State:
        """Return nothing."""
        return {}
