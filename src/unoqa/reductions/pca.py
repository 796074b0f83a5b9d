"""Principal component analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import FittedReduction, Reduction, State
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor


MAX_DIRECT = 20_000
"""Points with more coordinates are reduced by their inner products, unless there are more points than coordinates."""

MAX_WHOLE = 50_000_000
"""Numbers of all points up to which scikit-learn decomposes them at once, in 400 MB and copies of it."""

ROWS = 4_096
"""Number of points that are held in double precision at a time."""

BLOCK = 16_384
"""Number of coordinates that are held in double precision at a time."""


@final
@settings
class Pca(Reduction):
    """The fewest principal components that explain `variance`, at most `max_components` (Pearson 1901).

    Latents have hundreds of thousands of coordinates, far more than there are points. Such points are reduced by the
    matrix of their inner products, in blocks of coordinates, so that a file in half precision is never held whole. A
    large cohort of points with few coordinates is reduced by its covariance, in blocks of points.
    """

    variance: Annotated[float, Field(gt=0, lt=1, description="share of the variance to keep")] = 0.95
    max_components: Annotated[int, Field(ge=1, description="maximum number of components")] = 50

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _FittedPca:
        """Fit mean and components."""
        if points.shape[1] > max(MAX_DIRECT, points.shape[0]):
            return _FittedPca(*self._fit_inner_products(points))
        if points.size > MAX_WHOLE:
            return _FittedPca(*self._fit_covariance(points))
        from sklearn.decomposition import PCA  # noqa: PLC0415 - takes half a second; only fitting needs it

        model = PCA(n_components=min(self.max_components, *points.shape), random_state=seed, svd_solver="full")
        with np.errstate(invalid="ignore"):  # equal points have no variance: 0 / 0
            model.fit(points)
        explained = np.cumsum(model.explained_variance_ratio_)
        count = int(np.searchsorted(explained, self.variance)) + 1
        return _FittedPca(model.mean_, model.components_[:count])

    def _fit_covariance(self, points: Float[np.ndarray, "images high"]) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and components: the eigenvectors of the covariance, each with its largest number positive."""
        blocks = [slice(start, start + ROWS) for start in range(0, len(points), ROWS)]
        mean = sum(points[block].sum(axis=0, dtype=np.float64) for block in blocks) / len(points)
        covariance = np.zeros((points.shape[1], points.shape[1]))
        for block in blocks:
            centred = points[block] - mean
            covariance += centred.T @ centred
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1].T
        explained = np.cumsum(values) / max(float(values.sum()), np.finfo(np.float64).tiny)
        components = vectors[: min(int(np.searchsorted(explained, self.variance)) + 1, self.max_components)]
        largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
        return mean, components * np.sign(largest)

    def _fit_inner_products(self, points: Float[np.ndarray, "images high"]) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and components: with X Xᵀ = U S² Uᵀ the components are Uᵀ X / S (Turk, Pentland 1991)."""
        inner = np.zeros((len(points), len(points)))
        for block in _iterate_centred_blocks(points):
            inner += block @ block.T
        values, vectors = (part[..., ::-1] for part in np.linalg.eigh(inner))
        values = np.clip(values, 0, None)
        explained = np.cumsum(values) / max(float(values.sum()), np.finfo(np.float64).tiny)
        count = min(
            int(np.searchsorted(explained, self.variance)) + 1, self.max_components, max(1, int((values > 0).sum()))
        )
        scaled = vectors[:, :count].T / np.sqrt(np.maximum(values[:count], np.finfo(np.float64).tiny))[:, None]
        components = np.concatenate([scaled @ block for block in _iterate_centred_blocks(points)], axis=1)
        return np.concatenate([block.mean(axis=0) for block in _iterate_blocks(points)]), components.astype(np.float32)

    def restore(self, state: Mapping[str, Tensor]) -> _FittedPca:
        """Return the projection that gave `state`."""
        return _FittedPca(state["mean"].cpu().numpy(), state["components"].cpu().numpy())


def _iterate_blocks(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the coordinates of all points a block at a time, in double precision."""
    for start in range(0, points.shape[1], BLOCK):
        yield np.asarray(points[:, start : start + BLOCK], dtype=np.float64)


def _iterate_centred_blocks(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the same blocks with their means subtracted."""
    for block in _iterate_blocks(points):
        yield block - block.mean(axis=0)


@final
class _FittedPca(FittedReduction):
    def __init__(self, mean: np.ndarray, components: np.ndarray) -> None:
        self._mean = mean
        # Contiguous, as a file stores it: the last bits of a product depend on the layout in memory.
        self._components = np.ascontiguousarray(components)

    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Project points one by one: the last bits of a matrix product depend on its number of rows."""
        kind = self._components.dtype
        low = [self._components @ (point - self._mean).astype(kind) for point in points]
        return np.stack(low).astype(np.float64)

    def state(self) -> State:
        """Return mean and components."""
        return {"mean": torch.from_numpy(self._mean), "components": torch.from_numpy(self._components.copy())}
