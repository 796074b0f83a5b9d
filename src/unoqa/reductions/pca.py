"""Principal component analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from sklearn.decomposition import PCA

from unoqa.core.contracts import FittedReduction, Reduction, State
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class Pca(Reduction):
    """The fewest principal components that hold `variance`, at most `most` (Pearson 1901)."""

    variance: Annotated[float, Field(gt=0, lt=1, description="share of the variance to keep")] = 0.95
    most: Annotated[int, Field(ge=1, description="components at most")] = 50

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _FittedPca:
        """Learn mean and components."""
        model = PCA(n_components=min(self.most, *points.shape), random_state=seed, svd_solver="full")
        with np.errstate(invalid="ignore"):  # points that are all the same have no variance to share
            model.fit(points)
        held = np.cumsum(model.explained_variance_ratio_)
        enough = int(np.searchsorted(held, self.variance)) + 1
        return _FittedPca(model.mean_, model.components_[:enough])

    def restore(self, state: Mapping[str, Tensor]) -> _FittedPca:
        """Return the projection that gave `state`."""
        return _FittedPca(state["mean"].cpu().numpy(), state["components"].cpu().numpy())


@final
class _FittedPca(FittedReduction):
    def __init__(self, mean: np.ndarray, components: np.ndarray) -> None:
        self._mean = mean
        # A product's sums depend on the layout too, and a file keeps one only.
        self._components = np.ascontiguousarray(components)

    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Project each point by itself: a matrix product's sums depend on how many rows it has."""
        return np.stack([self._components @ (point - self._mean) for point in points])

    def state(self) -> State:
        """Return mean and components."""
        return {"mean": torch.from_numpy(self._mean), "components": torch.from_numpy(self._components.copy())}
