"""The second stage: what is not outstanding is split into gradable and ungradable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from jaxtyping import Float

from unoqa.core.auroc import auroc
from unoqa.core.contracts import select_prefix
from unoqa.core.errors import CohortError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from unoqa.core.contracts import Assignment, Clustering, FittedReduction, Partition, Reduction, State
    from unoqa.grader.panel import Prediction

Representation = Literal["score", "members", "maps", "quantile", "latent"]
"""What is reduced and clustered, the paper's F_H: the panel's score, its members' scores, all maps flattened, each
map's quantiles and coarse means (which do not care where exactly a fault lies), or a flow's latents (the first fold's,
since each flow has latents of its own; hundreds of thousands of numbers an image)."""

FEWEST = 10
"""Images that are not outstanding, at least: with fewer, one odd scan makes a cluster."""

QUANTILES, COARSE = 32, 4
"""Quantiles of a map, and squares a side of its coarse grid, in the representation `quantile`."""

SEPARATED = 0.6
"""Smallest area under the ROC curve between the clusters' scores at which they count as different grades."""

APART = 2.5
"""Standard deviations of outstanding images' scores by which the clusters' means must differ besides.

Clustering finds two groups in anything: the halves of one normal group lie 1.6 of its own standard deviations
apart, of an exponential one 2.0. Outstanding images are one group, so a cohort that spreads no wider than they do
has no two grades in it.
"""


@final
@dataclass(frozen=True)
class Split:
    """Settings of the second stage."""

    representation: Representation
    reduction: Reduction
    clustering: Clustering

    def represent(self, prediction: Prediction) -> Float[np.ndarray, " high"]:
        """Return the numbers by which an image is clustered."""
        if self.representation == "score":
            return np.array([prediction.score])
        if self.representation == "members":
            return prediction.members
        if self.representation == "latent":
            return prediction.latent()
        if self.representation == "quantile":
            return np.concatenate([quantiles(grid) for grid in prediction.maps])
        # As exact as a journal keeps it: a run that goes on clusters the very points of one that was not killed.
        return np.concatenate([grid.ravel() for grid in prediction.maps]).astype(np.float64)

    def fit(
        self,
        points: Float[np.ndarray, "images high"],
        scores: Float[np.ndarray, " images"],
        *,
        spread: float,
        seed: int,
    ) -> tuple[FittedSplit, SplitGrades]:
        """Split a cohort's images that are not outstanding.

        Args:
            spread: standard deviation of outstanding images' scores.

        Returns:
            the split, for further images, and the verdicts on the images given.

        Raises:
            CohortError: fewer than 10 images.
        """
        if len(points) < FEWEST:
            raise CohortError(
                f"Telling gradable from ungradable takes at least {FEWEST} images that are not outstanding, "
                f"and there are {len(points)}; grade a larger cohort, or with a model settled on one (unoqa settle)."
            )
        reduction = self.reduction.fit(points, seed=seed)
        partition, assignment = self.clustering.fit(reduction.project(points), seed=seed)
        worse, distinct = _worse_and_distinct(assignment, scores, spread)
        fitted = FittedSplit(reduction, partition, worse, distinct)
        return fitted, fitted.verdicts(assignment)

    def restore(self, state: Mapping[str, Tensor], worse: int, distinct: bool) -> FittedSplit:
        """Return the split that gave the arrays."""
        reduction = self.reduction.restore(select_prefix(state, "reduction."))
        return FittedSplit(reduction, self.clustering.restore(select_prefix(state, "partition.")), worse, distinct)


def quantiles(grid: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " numbers"]:
    """Return 32 quantiles of a map and the means of a 4×4 grid over it; of a map of one place, that place."""
    if grid.size == 1:
        return grid.ravel().astype(np.float64)
    spread = np.quantile(grid.astype(np.float64), np.linspace(0, 1, QUANTILES))
    rows, columns = (np.array_split(np.arange(length), min(COARSE, length)) for length in grid.shape)
    means = [grid[np.ix_(some, others)].mean(dtype=np.float64) for some in rows for others in columns]
    return np.concatenate([spread, means])


@final
@dataclass(frozen=True)
class SplitGrades:
    """Grades of images that are not outstanding, and how clear the split is for each, from 0 to 1."""

    grades: tuple[Grade, ...]
    margins: Float[np.ndarray, " images"]


@final
@dataclass(frozen=True)
class FittedSplit:
    """A frozen second stage.

    Attributes:
        worse: the cluster whose mean score was higher: the ungradable one.
        distinct: whether the clusters differed in score at all.
    """

    reduction: FittedReduction
    partition: Partition
    worse: int
    distinct: bool

    def grade(self, point: Float[np.ndarray, " high"]) -> tuple[Grade, float]:
        """Grade one image that is not outstanding; no other image plays a part."""
        verdicts = self.verdicts(self.partition.assign(self.reduction.project(point[None])))
        return verdicts.grades[0], float(verdicts.margins[0])

    def verdicts(self, assignment: Assignment) -> SplitGrades:
        """Name the clusters; the margins of clusters that do not differ are 0."""
        ungradable = assignment.cluster == self.worse
        grades = tuple(Grade.UNGRADABLE if worse else Grade.GRADABLE for worse in ungradable)
        return SplitGrades(grades, assignment.margin * float(self.distinct))

    def state(self) -> State:
        """Return the learned arrays."""
        return {
            **{f"reduction.{name}": array for name, array in self.reduction.state().items()},
            **{f"partition.{name}": array for name, array in self.partition.state().items()},
        }


def _worse_and_distinct(
    assignment: Assignment, scores: Float[np.ndarray, " images"], spread: float
) -> tuple[int, bool]:
    """Return the cluster with the higher mean score, and whether the two are different grades."""
    members = [scores[assignment.cluster == cluster] for cluster in (0, 1)]
    if min(len(part) for part in members) == 0:
        return 1, False
    worse = int(members[1].mean() > members[0].mean())
    apart = members[worse].mean() - members[1 - worse].mean() > APART * spread
    return worse, bool(apart) and auroc(members[worse], members[1 - worse]) >= SEPARATED
