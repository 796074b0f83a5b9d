"""The agreement to expect of borders that labels set, and of those before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Int

from unoqa.benchmark.agreement import RESAMPLES, Estimate, confusion_matrix, kappa
from unoqa.benchmark.calibration.borders import Scored, fit_borders

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDS, REPEATS, DRAWS = 5, 10, 40
"""Of the cross-validation: folds, how often they are drawn, and resamples for the borders of each."""


@final
@dataclass(frozen=True)
class Expectation:
    """Kappa with the labels, on images that did not set the borders; with bootstrap 95 % intervals.

    Attributes:
        before: of the grades of the run.
        after: of borders set with the other labelled images, mean over repeats of a cross-validation.
    """

    before: Estimate
    after: Estimate

    @property
    def gains(self) -> bool:
        """Whether better agreement is to be expected."""
        return self.after.value > self.before.value


def cross_validate(labelled: Scored, given: Int[np.ndarray, " images"], run: Scored, *, seed: int) -> Expectation:
    """Return the agreement to expect, by ten times five folds.

    Args:
        given: the grades of the run for the labelled images.
    """
    random = np.random.default_rng(seed)
    graded = [_grade_held_out(labelled, run, random) for _ in range(REPEATS)]
    return Expectation(_estimate(labelled.grades, [given], seed=seed), _estimate(labelled.grades, graded, seed=seed))


def _grade_held_out(labelled: Scored, run: Scored, random: np.random.Generator) -> Int[np.ndarray, " images"]:
    """Grade each labelled image by borders that the other folds set; each fold has its share of each grade."""
    shuffled = random.permutation(len(labelled))
    order = shuffled[np.argsort(labelled.grades[shuffled], kind="stable")]
    folds = np.empty(len(labelled), dtype=int)
    folds[order] = np.arange(len(labelled)) % FOLDS
    grades = np.empty(len(labelled), dtype=int)
    for fold in range(FOLDS):
        held_out = folds == fold
        seed = int(random.integers(2**32))
        borders = fit_borders(labelled.select(~held_out), run, seed=seed, draws=DRAWS)
        grades[held_out] = borders.grade(labelled.scores[held_out])
    return grades


def _estimate(
    reference: Int[np.ndarray, " images"], graded: Sequence[Int[np.ndarray, " images"]], *, seed: int
) -> Estimate:
    """Return the mean of kappa over repeats, with percentiles of 1,000 resamples of the images (Efron 1979)."""

    def measure(rows: Int[np.ndarray, " rows"]) -> float:
        return float(np.mean([kappa(confusion_matrix(reference[rows], one[rows])) for one in graded]))

    random = np.random.default_rng(seed)
    resampled = [measure(random.integers(len(reference), size=len(reference))) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(measure(np.arange(len(reference))), float(low), float(high))
