"""The split: images that are not outstanding are clustered into gradable and ungradable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float

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
map's quantiles and coarse means (which depend little on where exactly a fault lies), or a flow's latents (of the first
fold, since every flow has its own; hundreds of thousands of numbers per image)."""

FEWEST = 10
"""Smallest number of images that are not outstanding; with fewer, one odd scan makes a cluster."""

QUANTILES, COARSE = 32, 4
"""Quantiles of a map, and squares per side of its coarse grid, in the representation `quantile`."""

SMALLEST_AUROC = 0.6
"""Smallest AUROC between the clusters' scores at which they count as different grades."""

SMALLEST_DISTANCE = 2.5
"""Standard deviations of outstanding images' scores by which the clusters' means must also differ.

Clustering finds two groups in anything: the halves of one normal distribution lie 1.6 of its standard deviations
apart, of an exponential one 2.0. Outstanding images are one group, so a cohort that varies no more than they do
does not hold two grades.
"""


@final
@dataclass(frozen=True)
class Split:
    """Settings of the split."""

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
            return _halve(np.concatenate([compute_quantiles(grid) for grid in prediction.maps]))
        return _halve(np.concatenate([grid.ravel() for grid in prediction.maps]))

    def fit(
        self,
        points: Float[np.ndarray, "images high"],
        scores: Float[np.ndarray, " images"],
        *,
        std: float,
        seed: int,
    ) -> tuple[FittedSplit, SplitGrades]:
        """Split a cohort's images that are not outstanding.

        Args:
            std: standard deviation of outstanding images' scores.

        Returns:
            the split, for further images, and the grades of the images given.

        Raises:
            CohortError: fewer than 10 images.
        """
        if len(points) < FEWEST:
            raise CohortError(
                f"At least {FEWEST} images that are not outstanding are needed to tell gradable from ungradable, "
                f"and there are {len(points)}; grade a larger cohort, or use a settled model (see unoqa settle)."
            )
        reduction = self.reduction.fit(points, seed=seed)
        reduced = reduction.project(points)
        partition, assignment = self.clustering.fit(reduced, seed=seed)
        ungradable, distinct = _compare_clusters(assignment, scores, std)
        fitted = FittedSplit(reduction, partition, ungradable, distinct)
        if self.representation == "score":
            fitted = replace(fitted, border=_find_border(fitted, scores, assignment))
        else:
            fitted = replace(fitted, levels=_find_levels(assignment.cluster == ungradable, scores))
        return fitted, fitted.grade_clusters(assignment, reduced)

    def restore(self, state: Mapping[str, Tensor], values: Mapping[str, Any]) -> FittedSplit:
        """Return the split that gave the arrays and the values."""
        return FittedSplit(
            self.reduction.restore(select_prefix(state, "reduction.")),
            self.clustering.restore(select_prefix(state, "partition.")),
            values["ungradable_cluster"],
            values["distinct"],
            values.get("border"),
            tuple(values["levels"]) if "levels" in values else None,
            tuple(state["borders"].tolist()),
        )


def _halve(point: Float[np.ndarray, " high"]) -> Float[np.ndarray, " high"]:
    """Round to half precision, in which a run keeps thousands of numbers an image; larger ones become its largest."""
    largest = np.finfo(np.float16).max
    return np.clip(point, -largest, largest).astype(np.float16)


def compute_quantiles(grid: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " numbers"]:
    """Return 32 quantiles of a map and the means of a 4×4 grid over it; of a map with one place, its value."""
    if grid.size == 1:
        return grid.ravel().astype(np.float64)
    levels = np.quantile(grid.astype(np.float64), np.linspace(0, 1, QUANTILES))
    rows, columns = (np.array_split(np.arange(length), min(COARSE, length)) for length in grid.shape)
    means = [grid[np.ix_(some, others)].mean(dtype=np.float64) for some in rows for others in columns]
    return np.concatenate([levels, means])


@final
@dataclass(frozen=True)
class SplitGrades:
    """Grades of images that are not outstanding.

    Attributes:
        margins: per image how clear the split is, from 0 to 1.
        reduced: what was clustered.
    """

    grades: tuple[Grade, ...]
    margins: Float[np.ndarray, " images"]
    reduced: Float[np.ndarray, "images low"]


@final
@dataclass(frozen=True)
class FittedSplit:
    """A frozen split.

    Attributes:
        ungradable_cluster: 0 or 1, the cluster with the higher mean score.
        distinct: whether the clusters differed in score at all.
        border: the score between gradable and ungradable; None if images are not clustered by their score alone.
        levels: the mean scores of gradable and ungradable images; None if images are clustered by their score alone.
        borders: that other cohorts of the kind might give, by their scores, each with a threshold of the model; see
            `unoqa.grader.certainty`.
    """

    reduction: FittedReduction
    partition: Partition
    ungradable_cluster: int
    distinct: bool
    border: float | None = None
    levels: tuple[float, float] | None = None
    borders: tuple[float, ...] = ()

    def grade(self, point: Float[np.ndarray, " high"]) -> tuple[Grade, float]:
        """Grade one image that is not outstanding, independently of other images."""
        result = self.grade_points(point[None])
        return result.grades[0], float(result.margins[0])

    def grade_points(self, points: Float[np.ndarray, "images high"]) -> SplitGrades:
        """Grade images that are not outstanding, each independently of the others."""
        reduced = self.reduction.project(points)
        return self.grade_clusters(self.partition.assign(reduced), reduced)

    def grade_clusters(self, assignment: Assignment, reduced: Float[np.ndarray, "images low"]) -> SplitGrades:
        """Turn clusters into grades; if the clusters do not differ, the margins are 0."""
        ungradable = assignment.cluster == self.ungradable_cluster
        grades = tuple(Grade.UNGRADABLE if worse else Grade.GRADABLE for worse in ungradable)
        return SplitGrades(grades, assignment.margin * float(self.distinct), reduced)

    def place(self, score: float, grade: Grade, margin: float) -> float:
        """Return where an image lies between gradable and ungradable, in units of the score; higher = worse.

        It is the score or, where images are clustered by other numbers, so far from the middle between the mean scores
        of the two groups as the margin says.
        """
        if self.levels is None:
            return score
        low, high = self.levels
        return (low + high) / 2 + (margin if grade is Grade.UNGRADABLE else -margin) * (high - low) / 2

    def state(self) -> State:
        """Return the fitted arrays."""
        return {
            **{f"reduction.{name}": array for name, array in self.reduction.state().items()},
            **{f"partition.{name}": array for name, array in self.partition.state().items()},
            "borders": torch.tensor(self.borders, dtype=torch.float64),
        }

    def to_values(self) -> dict[str, Any]:
        """Return what is fitted beside the arrays, as plain values for `Split.restore`."""
        values = {
            "ungradable_cluster": self.ungradable_cluster,
            "distinct": self.distinct,
            "border": self.border,
            "levels": None if self.levels is None else list(self.levels),
        }
        return {key: value for key, value in values.items() if value is not None}


def _find_levels(ungradable: Bool[np.ndarray, " images"], scores: Float[np.ndarray, " images"]) -> tuple[float, float]:
    """Return the mean scores of both groups; of all images where one is empty."""
    low, high = (scores[group] if group.any() else scores for group in (~ungradable, ungradable))
    return float(low.mean()), float(high.mean())


def _find_border(fitted: FittedSplit, scores: Float[np.ndarray, " images"], assignment: Assignment) -> float | None:
    """Bisect between the clusters' mean scores for the score at which the grade changes."""
    ungradable = assignment.cluster == fitted.ungradable_cluster
    if ungradable.all() or not ungradable.any():
        return None
    low, high = float(scores[~ungradable].mean()), float(scores[ungradable].mean())
    for _ in range(60):
        middle = (low + high) / 2
        if fitted.grade(np.array([middle]))[0] is Grade.UNGRADABLE:
            high = middle
        else:
            low = middle
    return high


def _compare_clusters(assignment: Assignment, scores: Float[np.ndarray, " images"], std: float) -> tuple[int, bool]:
    """Return the cluster with the higher mean score, and whether the two are different grades."""
    members = [scores[assignment.cluster == cluster] for cluster in (0, 1)]
    if min(len(part) for part in members) == 0:
        return 1, False
    worse = int(members[1].mean() > members[0].mean())
    apart = members[worse].mean() - members[1 - worse].mean() > SMALLEST_DISTANCE * std
    return worse, bool(apart) and auroc(members[worse], members[1 - worse]) >= SMALLEST_AUROC
