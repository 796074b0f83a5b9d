"""Non-negative matrix factorisation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import FittedReduction, Reduction, State
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class Nmf(Reduction):
    """Non-negative parts and each point's shares of them (Lee, Seung 1999); negative coordinates are read as zero.

    A point is projected by non-negative least squares on the parts, which is exact and needs no number of
    iterations.
    """

    components: Annotated[int, Field(ge=1, description="number of parts; no more than images or coordinates")] = 10
    iterations: Annotated[int, Field(ge=1, description="maximum number of iterations")] = 10_000

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _FittedNmf:
        """Fit the parts."""
        from sklearn.decomposition import NMF  # noqa: PLC0415 - takes half a second; only fitting needs it
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above

        model = NMF(
            n_components=min(self.components, *points.shape),
            init="nndsvda",
            max_iter=self.iterations,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.maximum(points, 0))
        # Row by row, as a file stores it: sums in another order differ in their last bits.
        return _FittedNmf(model.components_.astype(np.float64, order="C"))

    def restore(self, state: Mapping[str, Tensor]) -> _FittedNmf:
        """Return the projection that gave `state`."""
        return _FittedNmf(state["parts"].cpu().numpy())


@final
class _FittedNmf(FittedReduction):
    def __init__(self, parts: np.ndarray) -> None:
        self._parts = parts

    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Return each point's shares of the parts."""
        from scipy.optimize import nnls  # noqa: PLC0415 - takes a tenth of a second

        return np.stack([nnls(self._parts.T, np.maximum(point, 0).astype(np.float64))[0] for point in points])

    def state(self) -> State:
        """Return the parts."""
        return {"parts": torch.from_numpy(self._parts.copy())}
