"""Agglomerative clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from unoqa.clusterings.parts.centroids import Centroids
from unoqa.core.contracts import Assignment, Clustering
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MAX_MERGED = 5_000
"""Points that are merged at most, in 200 MB and a second: both grow with the square of their number."""


@final
@settings
class Hierarchical(Clustering):
    """Merge clusters pair by pair until two are left (Ward 1963): the best clustering in the paper.

    A cohort keeps the merged clusters. The method has no rule for a further image; it is assigned to the nearer
    centroid of the two clusters. With more than 5,000 images, so many are drawn and merged, and all of the cohort are
    assigned to the nearer centroid.
    """

    linkage: Annotated[
        Literal["ward", "complete", "average"], Field(description="how the distance between clusters is measured")
    ] = "ward"

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centroids, Assignment]:
        """Merge the points; `seed` draws those that are merged if there are more than 5,000."""
        if len(points) <= MAX_MERGED:
            return self._merge(points)
        drawn = np.random.default_rng(seed).choice(len(points), MAX_MERGED, replace=False)
        partition, _ = self._merge(points[np.sort(drawn)])
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> Centroids:
        """Return the partition that gave `state`."""
        return Centroids.restore(state)

    def _merge(self, points: Float[np.ndarray, "images low"]) -> tuple[Centroids, Assignment]:
        from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - takes half a second; only fitting needs it

        labels = AgglomerativeClustering(2, linkage=self.linkage).fit_predict(points)
        partition = Centroids(np.stack([points[labels == cluster].mean(axis=0) for cluster in (0, 1)]))
        nearest = partition.assign(points)
        # A point that was merged into the cluster with the farther centroid lies between the clusters.
        margin = np.where(nearest.cluster == labels, nearest.margin, 0.0)
        return partition, Assignment(cluster=labels.astype(np.int64), margin=margin)
