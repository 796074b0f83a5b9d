"""Agglomerative clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from unoqa.clusterings.parts.centres import Centres
from unoqa.core.contracts import Assignment, Clustering
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
@settings
class Hierarchical(Clustering):
    """Clusters merged pair by pair until two are left (Ward 1963): the paper's best.

    A cohort keeps the merged clusters; a further image, for which the method has no rule, goes to the
    nearer of their centres.
    """

    linkage: Annotated[Literal["ward", "complete", "average"], Field(description="what makes two clusters near")] = (
        "ward"
    )

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centres, Assignment]:
        """Merge the points."""
        del seed
        from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - half a second, which only fitting takes

        labels = AgglomerativeClustering(2, linkage=self.linkage).fit_predict(points)
        partition = Centres(np.stack([points[labels == cluster].mean(axis=0) for cluster in (0, 1)]))
        nearest = partition.assign(points)
        # A point that the merging put with the farther centre lies between the clusters.
        margin = np.where(nearest.cluster == labels, nearest.margin, 0.0)
        return partition, Assignment(cluster=labels.astype(np.int64), margin=margin)

    def restore(self, state: Mapping[str, Tensor]) -> Centres:
        """Return the partition that gave `state`."""
        return Centres.restore(state)
