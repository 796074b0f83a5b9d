"""k-means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from unoqa.clusterings.parts.centroids import Centroids
from unoqa.core.contracts import Assignment, Clustering
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class Kmeans(Clustering):
    """Two centroids with the least squared distance to their points (Lloyd 1982; Arthur, Vassilvitskii 2007).

    scikit-learn's k-means takes longer to import and set up than grading thirty images does. scipy's has no maximum
    number of iterations, and loses precision where points lie close together and far from zero.
    """

    iterations: Annotated[int, Field(ge=1, description="maximum number of iterations per start, as in the paper")] = (
        10_000
    )
    starts: Annotated[int, Field(ge=1, description="number of random starts; the best result is kept")] = 30

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centroids, Assignment]:
        """Fit the centroids.

        Raises:
            ValueError: a point is infinite or NaN.
        """
        if not np.isfinite(points).all():
            raise ValueError("k-means takes finite numbers only.")
        double = np.asarray(points, dtype=np.float64)
        generator = np.random.default_rng(seed)
        results = [self._run_lloyd(double, _draw_start(double, generator)) for _ in range(self.starts)]
        partition = Centroids(
            min(results, key=lambda centroids: float(_squared_distances(double, centroids).min(axis=1).sum()))
        )
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> Centroids:
        """Return the partition that gave `state`."""
        return Centroids.restore(state)

    def _run_lloyd(
        self, points: Float[np.ndarray, "images low"], centroids: Float[np.ndarray, "2 low"]
    ) -> Float[np.ndarray, "2 low"]:
        """Move each centroid to the mean of the points that are nearest to it, until none moves."""
        for _ in range(self.iterations):
            nearest = _squared_distances(points, centroids).argmin(axis=1)
            clusters = [points[nearest == side] for side in (0, 1)]
            moved = np.stack(
                [own.mean(axis=0) if len(own) else old for own, old in zip(clusters, centroids, strict=True)]
            )
            if np.array_equal(moved, centroids):
                break
            centroids = moved
        return centroids


def _draw_start(points: Float[np.ndarray, "images low"], generator: np.random.Generator) -> Float[np.ndarray, "2 low"]:
    """Draw a point, then another with a probability proportional to its squared distance: the start of k-means++."""
    first = points[generator.integers(len(points))]
    squared = _squared_distances(points, first[None])[:, 0]
    total = squared.sum()
    return np.stack([first, points[generator.choice(len(points), p=squared / total)] if total > 0 else first])


def _squared_distances(
    points: Float[np.ndarray, "images low"], centroids: Float[np.ndarray, "centroids low"]
) -> Float[np.ndarray, "images centroids"]:
    return np.stack([np.square(points - centroid).sum(axis=1) for centroid in centroids], axis=1)
