"""No reduction: points stay as they are."""

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
    """No reduction: for images that are represented by few numbers already."""

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _Identity:
        """Return the identity; nothing is fitted."""
        del points, seed
        return _Identity()

    def restore(self, state: Mapping[str, Tensor]) -> _Identity:
        """Return the projection that gave `state`."""
        del state
        return _Identity()


@final
class _Identity(FittedReduction):
    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Return the points, in double precision."""
        return np.asarray(points, dtype=np.float64)

    def state(self) -> State:
        """Return an empty state."""
        return {}
