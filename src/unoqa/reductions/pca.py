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


WIDE = 20_000
"""Numbers a point above which the inner products are taken."""

BLOCK = 16_384
"""Coordinates held in double precision at a time."""


@final
@settings
class Pca(Reduction):
    """The fewest principal components that hold `variance`, at most `most` (Pearson 1901).

    Points of more numbers than there are points – latents have hundreds of thousands – are reduced by the matrix of
    their inner products, in blocks of coordinates, so that a file in half precision is never held whole.
    """

    variance: Annotated[float, Field(gt=0, lt=1, description="share of the variance to keep")] = 0.95
    most: Annotated[int, Field(ge=1, description="components at most")] = 50

    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> _FittedPca:
        """Learn mean and components."""
        if points.shape[1] > max(WIDE, points.shape[0]):
            return _FittedPca(*self._by_inner_products(points))
        from sklearn.decomposition import PCA  # noqa: PLC0415 - half a second, which only fitting takes

        model = PCA(n_components=min(self.most, *points.shape), random_state=seed, svd_solver="full")
        with np.errstate(invalid="ignore"):  # points that are all the same have no variance to share
            model.fit(points)
        held = np.cumsum(model.explained_variance_ratio_)
        enough = int(np.searchsorted(held, self.variance)) + 1
        return _FittedPca(model.mean_, model.components_[:enough])

    def _by_inner_products(self, points: Float[np.ndarray, "images high"]) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and components: with X Xᵀ = U S² Uᵀ the components are Uᵀ X / S (Turk, Pentland 1991)."""
        inner = np.zeros((len(points), len(points)))
        for block in _blocks(points):
            inner += block @ block.T
        values, vectors = (part[..., ::-1] for part in np.linalg.eigh(inner))
        values = np.clip(values, 0, None)
        held = np.cumsum(values) / max(float(values.sum()), np.finfo(np.float64).tiny)
        wanted = min(int(np.searchsorted(held, self.variance)) + 1, self.most, max(1, int((values > 0).sum())))
        scaled = vectors[:, :wanted].T / np.sqrt(np.maximum(values[:wanted], np.finfo(np.float64).tiny))[:, None]
        components = np.concatenate([scaled @ block for block in _blocks(points)], axis=1)
        return np.concatenate([part.mean(axis=0) for part in _parts(points)]), components.astype(np.float32)

    def restore(self, state: Mapping[str, Tensor]) -> _FittedPca:
        """Return the projection that gave `state`."""
        return _FittedPca(state["mean"].cpu().numpy(), state["components"].cpu().numpy())


def _parts(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield coordinates a block at a time, in double precision."""
    for start in range(0, points.shape[1], BLOCK):
        yield np.asarray(points[:, start : start + BLOCK], dtype=np.float64)


def _blocks(points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the same without their means."""
    for part in _parts(points):
        yield part - part.mean(axis=0)


@final
class _FittedPca(FittedReduction):
    def __init__(self, mean: np.ndarray, components: np.ndarray) -> None:
        self._mean = mean
        # A product's sums depend on the layout too, and a file keeps one only.
        self._components = np.ascontiguousarray(components)

    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Project each point by itself: a matrix product's sums depend on how many rows it has."""
        kind = self._components.dtype
        low = [self._components @ (point - self._mean).astype(kind) for point in points]
        return np.stack(low).astype(np.float64)

    def state(self) -> State:
        """Return mean and components."""
        return {"mean": torch.from_numpy(self._mean), "components": torch.from_numpy(self._components.copy())}
