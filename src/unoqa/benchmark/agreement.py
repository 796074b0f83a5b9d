"""Agreement between grades and reference grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade
from unoqa.core.intervals import Share

GRADE_COUNT = len(Grade)
RESAMPLES = 1000

ConfusionMatrix = Int[np.ndarray, "reference predicted"]
"""Counts; row = reference grade, column = predicted grade, both from ungradable to outstanding."""


@final
@dataclass(frozen=True)
class Estimate:
    """A metric with its bootstrap 95 % interval; NaN where the reference has one class only."""

    value: float
    low: float
    high: float


@final
@dataclass(frozen=True)
class Detection:
    """How well one grade is told from the others, as of a test that says yes or no; with Wilson's intervals.

    Attributes:
        sensitivity: share of the images with that reference grade that were given it.
        specificity: share of the other images that were not given it.
        positive: share of the images that were given the grade whose reference has it (positive predictive value).
        negative: share of the images that were not given it whose reference does not have it.
    """

    sensitivity: Share
    specificity: Share
    positive: Share
    negative: Share

    @classmethod
    def of(cls, table: ConfusionMatrix, grade: Grade) -> Detection:
        """Count in a confusion matrix."""
        hits, total = int(table[grade, grade]), int(table.sum())
        reference, given = int(table[grade].sum()), int(table[:, grade].sum())
        rejected = total - reference - given + hits
        return cls(
            Share(hits, reference),
            Share(rejected, total - reference),
            Share(hits, given),
            Share(rejected, total - given),
        )


@final
@dataclass(frozen=True)
class Agreement:
    """How well the grades and scores of a run agree with reference grades.

    Attributes:
        images: number of images with a grade.
        metrics: kappa, quadratic kappa, accuracy, balanced accuracy, and two AUROCs.
        confusion: the confusion matrix of the images with a grade.
    """

    images: int
    metrics: dict[str, Estimate]
    confusion: ConfusionMatrix

    @property
    def detections(self) -> dict[Grade, Detection]:
        """How well each grade is told from the others."""
        return {grade: Detection.of(self.confusion, grade) for grade in Grade}


def measure_agreement(
    reference: Int[np.ndarray, " images"],
    predicted: Int[np.ndarray, " images"],
    scores: Float[np.ndarray, " images"],
    *,
    seed: int = 0,
) -> Agreement:
    """Compare grades 0–2 and scores (higher = worse) with reference grades.

    Intervals are percentiles of 1,000 resamples of the images (Efron 1979).

    Args:
        predicted: -1 where an image has a score but no grade, as in a cohort too small to split. Only the AUROCs count
            such an image.
    """
    values = _compute_metrics(reference, predicted, scores)
    generator = np.random.default_rng(seed)
    resampled: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(RESAMPLES):
        rows = generator.integers(len(reference), size=len(reference))
        for name, value in _compute_metrics(reference[rows], predicted[rows], scores[rows]).items():
            resampled[name].append(value)
    metrics = {name: Estimate(values[name], *_bootstrap_interval(resampled[name])) for name in values}
    graded = predicted >= 0
    return Agreement(int(graded.sum()), metrics, confusion_matrix(reference[graded], predicted[graded]))


def confusion_matrix(reference: Int[np.ndarray, " images"], predicted: Int[np.ndarray, " images"]) -> ConfusionMatrix:
    """Count images by reference grade (row) and predicted grade (column)."""
    return np.bincount(reference * GRADE_COUNT + predicted, minlength=GRADE_COUNT**2).reshape(GRADE_COUNT, GRADE_COUNT)


def kappa(table: ConfusionMatrix, weights: Float[np.ndarray, "reference predicted"] | None = None) -> float:
    """Return Cohen's kappa (1960), or his weighted kappa (1968) if disagreement weights are given.

    NaN where chance alone explains the table, as with one class only.
    """
    cost = 1.0 - np.eye(GRADE_COUNT) if weights is None else weights
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(total, 1)
    chance = (cost * expected).sum()
    return float(1 - (cost * table).sum() / chance) if chance > 0 else float("nan")


def estimate_kappa(table: ConfusionMatrix, *, seed: int = 0) -> Estimate:
    """Return Cohen's kappa of a table with its interval: percentiles of 1,000 resamples of the images (Efron 1979).

    A resample of images is a multinomial draw of the table's cells, so the time does not grow with the images.
    """
    total = int(table.sum())
    if not total:
        return Estimate(float("nan"), float("nan"), float("nan"))
    drawn = np.random.default_rng(seed).multinomial(total, table.ravel() / total, size=RESAMPLES)
    resampled = [kappa(one) for one in drawn.reshape(RESAMPLES, GRADE_COUNT, GRADE_COUNT)]
    return Estimate(kappa(table), *_bootstrap_interval(resampled))


def quadratic_weights() -> Float[np.ndarray, "reference predicted"]:
    """Return disagreement weights: the squared distance between two grades."""
    grades = np.arange(GRADE_COUNT)
    return np.square(grades[:, None] - grades[None]).astype(np.float64)


def balanced_accuracy(table: ConfusionMatrix) -> float:
    """Return the mean recall over the reference grades that occur."""
    occurring = table.sum(axis=1) > 0
    return float((np.diag(table)[occurring] / table.sum(axis=1)[occurring]).mean())


def _compute_metrics(
    reference: Int[np.ndarray, " images"], predicted: Int[np.ndarray, " images"], scores: Float[np.ndarray, " images"]
) -> dict[str, float]:
    graded = predicted >= 0
    table = confusion_matrix(reference[graded], predicted[graded])
    outstanding, ungradable = reference == Grade.OUTSTANDING, reference == Grade.UNGRADABLE
    return {
        "kappa": kappa(table),
        "quadratic kappa": kappa(table, quadratic_weights()),
        "accuracy": float(np.trace(table) / table.sum()) if table.any() else float("nan"),
        "balanced accuracy": balanced_accuracy(table) if table.any() else float("nan"),
        "AUROC outstanding vs rest": auroc(scores[~outstanding], scores[outstanding]),
        "AUROC ungradable vs rest": auroc(scores[ungradable], scores[~ungradable]),
    }


def _bootstrap_interval(values: list[float]) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the finite values; NaN if there are none."""
    finite = np.array(values)[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
