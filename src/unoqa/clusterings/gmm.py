"""A mixture of two Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import Assignment, Clustering, Partition, State
from unoqa.core.parallel import ignore_warnings
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.mixture import GaussianMixture
    from torch import Tensor


@final
@settings
class Gmm(Clustering):
    """A mixture of two Gaussians, fitted by expectation maximisation (Dempster, Laird, Rubin 1977)."""

    covariance: Annotated[Literal["full", "tied", "diag", "spherical"], Field(description="shape of the Gaussians")] = (
        "full"
    )
    iterations: Annotated[int, Field(ge=1, description="maximum number of iterations, as in the paper")] = 10_000
    starts: Annotated[int, Field(ge=1, description="number of random starts; the best result is kept")] = 10

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[_Mixture, Assignment]:
        """Fit weights, means and precisions."""
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - takes half a second; only fitting needs it
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - as above

        model = GaussianMixture(
            2,
            covariance_type=self.covariance,
            max_iter=self.iterations,
            n_init=self.starts,
            random_state=seed,
        )
        with ignore_warnings(ConvergenceWarning):
            model.fit(points.astype(np.float64))
        partition = _Mixture(model.weights_, model.means_, _expand_factors(model, points.shape[1]))
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> _Mixture:
        """Return the partition that gave `state`."""
        weights, means, factors = (state[name].cpu().numpy() for name in ("weights", "means", "factors"))
        return _Mixture(weights, means, factors)


def _expand_factors(model: GaussianMixture, low: int) -> Float[np.ndarray, "2 low low"]:
    """Return full Cholesky factors of both precision matrices, whatever shape the covariances have."""
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
        """Assign each point to the likelier Gaussian; the margin is the difference of their probabilities."""
        densities = np.stack([self._compute_log_density(points, component) for component in (0, 1)], axis=1)
        margin = np.abs(np.tanh((densities[:, 1] - densities[:, 0]) / 2))
        return Assignment(cluster=densities.argmax(axis=1), margin=margin)

    def state(self) -> State:
        """Return weights, means and Cholesky factors of the precisions."""
        arrays = {"weights": self._weights, "means": self._means, "factors": self._factors}
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _compute_log_density(self, points: np.ndarray, component: int) -> Float[np.ndarray, " images"]:
        factor = self._factors[component]
        centred = points - self._means[component]
        whitened = (centred[:, None] @ factor)[:, 0]  # one by one: a product's last bits depend on its size
        log_determinant = np.log(np.diag(factor)).sum()
        return np.log(self._weights[component]) + log_determinant - 0.5 * np.square(whitened).sum(axis=1)
