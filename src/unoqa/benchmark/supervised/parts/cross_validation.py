"""Cross-validation: the probabilities of each image come from a classifier that has not seen the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from sklearn.model_selection import StratifiedKFold

from unoqa.benchmark.supervised.parts.grade_columns import require_grades
from unoqa.core.grading import Grade
from unoqa.core.progress import NoProgress

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import LabelledData, SupervisedReference
    from unoqa.core.progress import Progress

MIN_IMAGES = 3
"""Minimum number of images of a grade: two remain to learn from when one is held out."""


def cross_validate(
    reference: SupervisedReference,
    data: LabelledData,
    *,
    seed: int,
    folds: int = 5,
    progress: Progress | None = None,
) -> Float[np.ndarray, "images 3"]:
    """Return the probability of each grade for each image, by a reference that has not seen the image.

    Args:
        folds: number of stratified folds (Kohavi 1995); reduced to the number of images of the rarest grade.

    Raises:
        DataSetError: fewer than two grades occur, or one of them has fewer than three images.
    """
    grades = data.grades
    require_grades(grades, each=MIN_IMAGES)
    rarest = int(np.unique(grades, return_counts=True)[1].min())
    splits = StratifiedKFold(min(folds, rarest), shuffle=True, random_state=seed)
    probabilities = np.empty((len(grades), len(Grade)))
    with (progress or NoProgress()).task("cross-validating", splits.n_splits) as step:
        for train, test in splits.split(grades, grades):
            probabilities[test] = reference.fit_predict(train, test, data, seed=seed)
            step()
    return probabilities


def summarise_probabilities(
    probabilities: Float[np.ndarray, "images 3"],
) -> tuple[Int[np.ndarray, " images"], Float[np.ndarray, " images"]]:
    """Return the most probable grade, and the severity: the expected number of grades below outstanding."""
    below = float(Grade.OUTSTANDING) - np.arange(len(Grade))
    return probabilities.argmax(axis=1), probabilities @ below
