"""k-means."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, final

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
class Kmeans(Clustering):
    """Two centres with the least squared distance to their points (Lloyd 1982; Arthur, Vassilvitskii 2007)."""

    iterations: Annotated[int, Field(ge=1, description="iterations at most, as in the paper")] = 10_000
    starts: Annotated[int, Field(ge=1, description="random starts, of which the best is kept")] = 10

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centres, Assignment]:
        """Find the centres."""
        from sklearn.cluster import KMeans  # noqa: PLC0415 - half a second, which only fitting takes
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above

        model = KMeans(2, n_init=self.starts, max_iter=self.iterations, random_state=seed)
        with warnings.catch_warnings():  # of points that are all the same
            warnings.simplefilter("ignore", ConvergenceWarning)
            partition = Centres(model.fit(points.astype(np.float64)).cluster_centers_)
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> Centres:
        """Return the partition that gave `state`."""
        return Centres.restore(state)
