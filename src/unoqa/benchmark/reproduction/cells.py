"""One cell of a table: reduce, cluster and grade the refused images, and compare with the reference grades."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int

from unoqa.benchmark.agreement import balanced_accuracy, confusion_matrix, kappa, quadratic_weights
from unoqa.clusterings import CLUSTERINGS
from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade
from unoqa.grader.open_encoders import library_versions
from unoqa.grader.split import FEWEST, Split
from unoqa.reductions import REDUCTIONS
from unoqa.reductions.none import NoReduction


@final
@dataclass(frozen=True)
class CellKey:
    """What identifies a cell.

    Attributes:
        points: what is reduced and clustered: `maps`, `score`, one scale such as `map 0`, or another representation of
            a flow, such as `latent`.
        threshold: how the threshold is chosen: `f1-max` (uses labels), `f1-max on validation` (uses labels) or
            `conformal`.
    """

    study: str
    split: str
    seed: int
    system: str
    points: str
    reduction: str
    clustering: str
    threshold: str


@final
@dataclass(frozen=True)
class Cell:
    """Agreement of the grades with the reference; fractions, not per cent.

    Attributes:
        best_naming_kappa: the higher kappa of the two ways to name the clusters. It uses labels: an upper bound, not a
            method.
        refused: share of outstanding images above the threshold; NaN if there are no outstanding images.
        clustered: number of refused images that were clustered; 0 if they were too few, and all are graded gradable.
    """

    kappa: float
    accuracy: float
    quadratic_kappa: float
    balanced_accuracy: float
    best_naming_kappa: float
    refused: float
    clustered: int


@final
@dataclass(frozen=True)
class ScoredCohort:
    """The images of one split with the scores of one system.

    Attributes:
        grades: reference grades.
        threshold: images with a higher score are refused.
        std: standard deviation of the scores of outstanding images that were held out.
    """

    grades: Int[np.ndarray, " images"]
    scores: Float[np.ndarray, " images"]
    threshold: float
    std: float

    @property
    def refused(self) -> Int[np.ndarray, " refused"]:
        """Positions of the images above the threshold."""
        return np.flatnonzero(self.scores > self.threshold)

    def reduce(self, points: Float[np.ndarray, "images high"], reduction: str, seed: int) -> np.ndarray:
        """Project the points of the refused images by a reduction fitted on them alone."""
        if len(self.refused) < FEWEST:
            return points[self.refused, :1]
        refused_points = _select_rows(points, self.refused)
        return REDUCTIONS.load(reduction)().fit(refused_points, seed=seed).project(refused_points)

    def make_cell(self, reduced: Float[np.ndarray, "refused low"], clustering: str, seed: int) -> Cell:
        """Cluster the refused images in two, name the clusters by their mean scores, and compare with the reference."""
        predicted = np.full(len(self.grades), int(Grade.OUTSTANDING))
        predicted[self.refused] = int(Grade.GRADABLE)
        enough = len(self.refused) >= FEWEST
        if enough:
            split = Split("maps", NoReduction(), CLUSTERINGS.load(clustering)())
            _, refused_grades = split.fit(reduced, self.scores[self.refused], std=self.std, seed=seed)
            predicted[self.refused] = [int(grade) for grade in refused_grades.grades]
        return self._compare(predicted, int(enough) * len(self.refused))

    def _compare(self, predicted: Int[np.ndarray, " images"], clustered: int) -> Cell:
        table = confusion_matrix(self.grades, predicted)
        outstanding = self.grades == Grade.OUTSTANDING
        refused = (predicted[outstanding] != Grade.OUTSTANDING).mean() if outstanding.any() else float("nan")
        return Cell(
            kappa=kappa(table),
            accuracy=float((self.grades == predicted).mean()),
            quadratic_kappa=kappa(table, quadratic_weights()),
            balanced_accuracy=balanced_accuracy(table),
            best_naming_kappa=max(kappa(table), kappa(confusion_matrix(self.grades, _swap_clusters(predicted)))),
            refused=float(refused),
            clustered=clustered,
        )


def describe_dependencies() -> str:
    """Describe what cells depend on beside scores and points: settings of reductions and clusterings, versions."""
    return repr(
        [*(shelf.load(name)() for shelf in (REDUCTIONS, CLUSTERINGS) for name in shelf.names()), library_versions()]
    )


def compute_aurocs(grades: Int[np.ndarray, " images"], scores: Float[np.ndarray, " images"]) -> tuple[float, float]:
    """Return two AUROCs: outstanding against the rest, and ungradable against the rest."""
    outstanding, ungradable = grades == Grade.OUTSTANDING, grades == Grade.UNGRADABLE
    return auroc(scores[~outstanding], scores[outstanding]), auroc(scores[ungradable], scores[~ungradable])


def _select_rows(points: Float[np.ndarray, "images high"], rows: Int[np.ndarray, " some"]) -> np.ndarray:
    """Return some rows of an array; those of a mapped file are mapped too, since latents may exceed the memory.

    Mapped rows are copied into a temporary file that has no name and is removed with the array.
    """
    if not isinstance(points, np.memmap) or points.filename is None:
        return points[rows]
    with tempfile.TemporaryFile(dir=Path(points.filename).parent) as file:
        for row in rows:
            file.write(points[row].tobytes())
        file.flush()
        return np.memmap(file, dtype=points.dtype, mode="r", shape=(len(rows), points.shape[1]))


def _swap_clusters(predicted: Int[np.ndarray, " images"]) -> Int[np.ndarray, " images"]:
    """Swap the grades gradable and ungradable."""
    return np.where(predicted == Grade.OUTSTANDING, predicted, int(Grade.GRADABLE) - predicted)
