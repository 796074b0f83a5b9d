"""k-means."""

from __future__ import annotations

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
    """Two centres with the least squared distance to their points (Lloyd 1982; Arthur, Vassilvitskii 2007).

    Not scikit-learn's, which takes longer to import and set up than all of grading takes for thirty images; nor
    scipy's, whose rounds have no bound and which loses what lies close together far from zero.
    """

    iterations: Annotated[int, Field(ge=1, description="rounds a start at most, as in the paper")] = 10_000
    starts: Annotated[int, Field(ge=1, description="random starts, of which the best is kept")] = 30

    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Centres, Assignment]:
        """Find the centres.

        Raises:
            ValueError: a point is infinite or no number.
        """
        if not np.isfinite(points).all():
            raise ValueError("k-means takes finite numbers alone.")
        double = np.asarray(points, dtype=np.float64)
        generator = np.random.default_rng(seed)
        found = [self._settled(double, _two_apart(double, generator)) for _ in range(self.starts)]
        partition = Centres(min(found, key=lambda centres: float(_squared(double, centres).min(axis=1).sum())))
        return partition, partition.assign(points)

    def restore(self, state: Mapping[str, Tensor]) -> Centres:
        """Return the partition that gave `state`."""
        return Centres.restore(state)

    def _settled(
        self, points: Float[np.ndarray, "images low"], centres: Float[np.ndarray, "2 low"]
    ) -> Float[np.ndarray, "2 low"]:
        """Move each centre to the mean of the points that are nearest to it, until none moves."""
        for _ in range(self.iterations):
            nearest = _squared(points, centres).argmin(axis=1)
            own = [points[nearest == side] for side in (0, 1)]
            moved = np.stack([some.mean(axis=0) if len(some) else old for some, old in zip(own, centres, strict=True)])
            if np.array_equal(moved, centres):
                break
            centres = moved
        return centres


def _two_apart(points: Float[np.ndarray, "images low"], generator: np.random.Generator) -> Float[np.ndarray, "2 low"]:
    """Draw one point, and another with a chance that grows with its squared distance: the start of k-means++."""
    first = points[generator.integers(len(points))]
    squared = _squared(points, first[None])[:, 0]
    total = squared.sum()
    return np.stack([first, points[generator.choice(len(points), p=squared / total)] if total > 0 else first])


def _squared(
    points: Float[np.ndarray, "images low"], centres: Float[np.ndarray, "centres low"]
) -> Float[np.ndarray, "images centres"]:
    return np.stack([np.square(points - centre).sum(axis=1) for centre in centres], axis=1)
