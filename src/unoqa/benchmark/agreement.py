"""Agreement between grades and reference grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.area import area
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """What a run's grades are worth by a reference.

    Attributes:
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
    """
    measures = _measures()
    value = {name: measure(reference, given, scores) for name, measure in measures.items()}
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(RESAMPLES):
        rows = generator.integers(len(reference), size=len(reference))
        for name, measure in measures.items():
            drawn[name].append(measure(reference[rows], given[rows], scores[rows]))
    figures = {name: Figure(value[name], *_interval(drawn[name])) for name in measures}
    return Agreement(len(reference), figures, confusion(reference, given))


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


def _measures() -> dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]]:
    weights = quadratic()
    best, worst = int(Grade.OUTSTANDING), int(Grade.UNGRADABLE)
    return {
        "kappa": lambda reference, given, _: kappa(confusion(reference, given)),
        "quadratic kappa": lambda reference, given, _: kappa(confusion(reference, given), weights),
        "accuracy": lambda reference, given, _: float((reference == given).mean()),
        "balanced accuracy": lambda reference, given, _: balanced_accuracy(confusion(reference, given)),
        "AUROC outstanding vs rest": lambda reference, _, scores: area(
            scores[reference != best], scores[reference == best]
        ),
        "AUROC ungradable vs rest": lambda reference, _, scores: area(
            scores[reference == worst], scores[reference != worst]
        ),
    }


def _interval(values: list[float]) -> tuple[float, float]:
    known = np.array(values)[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
