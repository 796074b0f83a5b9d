"""k-means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
from jaxtyping import Bool, Float
from pydantic import Field

from unoqa.clusterings.parts.centroids import Centroids
from unoqa.core.contracts import Assignment, Clustering
from unoqa.core.parallel import ignore_warnings
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class Kmeans(Clustering):
    """Two centroids with the least squared distance to their points (Lloyd 1982; Arthur, Vassilvitskii 2007)."""

    iterations: Annotated[int, Field(ge=1, description="maximum number of iterations a start, as in the paper")] = (
        10_000
    )
    starts: Annotated[int, Field(ge=1, description="number of random starts; the best result is kept")] = 30

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centroids, Assignment]:
        """Fit the centroids.

        Raises:
            ValueError: a point is infinite or NaN.
        """
        from sklearn.cluster import KMeans  # noqa: PLC0415 - takes half a second; only fitting needs it
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above

        if not np.isfinite(points).all():
            raise ValueError("k-means takes finite numbers only.")
        double = np.asarray(points, dtype=np.float64)
        model = KMeans(2, n_init=self.starts, max_iter=self.iterations, tol=0.0, random_state=seed)
        with ignore_warnings(ConvergenceWarning):  # of points that are all equal
            labels = model.fit(double).labels_
        partition = Centroids(_find_means(double, labels == labels[0]))
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> Centroids:
        """Return the partition that gave `state`."""
        return Centroids.restore(state)


def _find_means(
    points: Float[np.ndarray, "images low"], first: Bool[np.ndarray, " images"]
) -> Float[np.ndarray, "2 low"]:
    """Return the means of the cluster of the first point and of the other one.

    The order in which scikit-learn adds points depends on its threads, and so do the last bits of its own centroids.
    """
    means = [points[own].mean(axis=0) for own in (first, ~first) if own.any()]
    return np.stack([means[0], means[-1]])
