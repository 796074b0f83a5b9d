"""Agreement between grades and reference grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade

GRADES = len(Grade)
RESAMPLES = 1000

Confusion = Int[np.ndarray, "reference predicted"]
"""Counts; row = reference grade, column = grade given, both from ungradable to outstanding."""


@final
@dataclass(frozen=True)
class Figure:
    """A figure with its bootstrap 95 % interval; NaN where the reference holds one class only."""

    value: float
    low: float
    high: float


@final
@dataclass(frozen=True)
class Agreement:
    """What a run's grades and scores are worth by a reference.

    Attributes:
        images: those that have a grade.
        figures: kappa, quadratic kappa, accuracy, balanced accuracy, and the two areas under ROC curves.
    """

    images: int
    figures: dict[str, Figure]
    confusion: Confusion


def agreement(
    reference: Int[np.ndarray, " images"],
    given: Int[np.ndarray, " images"],
    scores: Float[np.ndarray, " images"],
    *,
    seed: int = 0,
) -> Agreement:
    """Compare grades 0–2 and scores (higher = worse) with reference grades.

    Intervals are percentiles of 1,000 resamples of the images (Efron 1979).

    Args:
        given: -1 where an image has a score alone, as those of a cohort too small to be split: areas count it too.
    """
    value = _figures(reference, given, scores)
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in value}
    for _ in range(RESAMPLES):
        rows = generator.integers(len(reference), size=len(reference))
        for name, found in _figures(reference[rows], given[rows], scores[rows]).items():
            drawn[name].append(found)
    figures = {name: Figure(value[name], *_interval(drawn[name])) for name in value}
    graded = given >= 0
    return Agreement(int(graded.sum()), figures, confusion(reference[graded], given[graded]))


def confusion(reference: Int[np.ndarray, " images"], given: Int[np.ndarray, " images"]) -> Confusion:
    """Count images by reference grade (row) and grade given (column)."""
    return np.bincount(reference * GRADES + given, minlength=GRADES**2).reshape(GRADES, GRADES)


def kappa(table: Confusion, weights: Float[np.ndarray, "reference predicted"] | None = None) -> float:
    """Return Cohen's kappa (1960), or his weighted one (1968) with weights of disagreement."""
    cost = 1.0 - np.eye(GRADES) if weights is None else weights
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(total, 1)
    chance = (cost * expected).sum()
    return float(1 - (cost * table).sum() / chance) if chance > 0 else float("nan")


def quadratic() -> Float[np.ndarray, "reference predicted"]:
    """Return disagreement weights that grow with the square of the distance in grades."""
    grades = np.arange(GRADES)
    return np.square(grades[:, None] - grades[None]).astype(np.float64)


def balanced_accuracy(table: Confusion) -> float:
    """Return the mean recall over the reference grades that occur."""
    occurring = table.sum(axis=1) > 0
    return float((np.diag(table)[occurring] / table.sum(axis=1)[occurring]).mean())


def _figures(
    reference: Int[np.ndarray, " images"], given: Int[np.ndarray, " images"], scores: Float[np.ndarray, " images"]
) -> dict[str, float]:
    graded = given >= 0
    table = confusion(reference[graded], given[graded])
    best, worst = reference == Grade.OUTSTANDING, reference == Grade.UNGRADABLE
    return {
        "kappa": kappa(table),
        "quadratic kappa": kappa(table, quadratic()),
        "accuracy": float(np.trace(table) / table.sum()) if table.any() else float("nan"),
        "balanced accuracy": balanced_accuracy(table) if table.any() else float("nan"),
        "AUROC outstanding vs rest": auroc(scores[~best], scores[best]),
        "AUROC ungradable vs rest": auroc(scores[worst], scores[~worst]),
    }


def _interval(values: list[float]) -> tuple[float, float]:
    known = np.array(values)[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
