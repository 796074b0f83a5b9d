"""A mixture of two Gaussians."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import Assignment, Clustering, Partition, State
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.mixture import GaussianMixture
    from torch import Tensor


@final
@settings
class Gmm(Clustering):
    """The likelier of two Gaussians, found by expectation maximisation (Dempster, Laird, Rubin 1977)."""

    covariance: Annotated[Literal["full", "tied", "diag", "spherical"], Field(description="shape of the Gaussians")] = (
        "full"
    )
    iterations: Annotated[int, Field(ge=1, description="iterations at most, as in the paper")] = 10_000
    starts: Annotated[int, Field(ge=1, description="random starts, of which the best is kept")] = 10

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[_Mixture, Assignment]:
        """Find weights, means and precisions."""
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - half a second, which only fitting takes
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - as above

        model = GaussianMixture(
            2,
            covariance_type=self.covariance,
            max_iter=self.iterations,
            n_init=self.starts,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(points.astype(np.float64))
        partition = _Mixture(model.weights_, model.means_, _full(model, points.shape[1]))
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> _Mixture:
        """Return the partition that gave `state`."""
        weights, means, factors = (state[name].cpu().numpy() for name in ("weights", "means", "factors"))
        return _Mixture(weights, means, factors)


def _full(model: GaussianMixture, low: int) -> Float[np.ndarray, "2 low low"]:
    """Return the Cholesky factors of both precision matrices, whatever shape they were learned in."""
    factors = model.precisions_cholesky_
    if model.covariance_type == "full":
        return factors
    if model.covariance_type == "tied":
        return np.stack([factors, factors])
    if model.covariance_type == "diag":
        return np.stack([np.diag(row) for row in factors])
    return np.stack([np.eye(low) * value for value in factors])


@final
class _Mixture(Partition):
    def __init__(self, weights: np.ndarray, means: np.ndarray, factors: np.ndarray) -> None:
        self._weights = weights
        self._means = means
        self._factors = factors

    def assign(self, points: Float[np.ndarray, "images low"]) -> Assignment:
        """Assign each point to the likelier Gaussian; the margin is how much likelier it is."""
        logarithms = np.stack([self._log_density(points, component) for component in (0, 1)], axis=1)
        margin = np.abs(np.tanh((logarithms[:, 1] - logarithms[:, 0]) / 2))
        return Assignment(cluster=logarithms.argmax(axis=1), margin=margin)

    def state(self) -> State:
        """Return weights, means and Cholesky factors of the precisions."""
        arrays = {"weights": self._weights, "means": self._means, "factors": self._factors}
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _log_density(self, points: np.ndarray, component: int) -> Float[np.ndarray, " images"]:
        factor = self._factors[component]
        centred = points - self._means[component]
        whitened = (centred[:, None] @ factor)[:, 0]  # each point for itself: a product's sums differ with its size
        volume = np.log(np.diag(factor)).sum()
        return np.log(self._weights[component]) + volume - 0.5 * np.square(whitened).sum(axis=1)
