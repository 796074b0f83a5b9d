"""Probabilities for each image, from a classifier that has not seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from sklearn.model_selection import StratifiedKFold

from unoqa.benchmark.supervised.parts.grades import require
from unoqa.core.grading import Grade
from unoqa.core.progress import NoProgress

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import Reference, Specimens
    from unoqa.core.progress import Progress

LEAST = 3
"""Images of a grade that leave two to learn from when one is held out."""


def cross_validated(
    reference: Reference,
    specimens: Specimens,
    *,
    seed: int,
    folds: int = 5,
    progress: Progress | None = None,
) -> Float[np.ndarray, "images 3"]:
    """Return the probability of each grade for each image, by a reference that has not seen it.

    Args:
        folds: each with the grades' shares of the whole (Kohavi 1995); no more than the rarest grade has images.

    Raises:
        DataSetError: fewer than two grades occur, or one of them in fewer than three images.
    """
    grades = specimens.grades
    require(grades, each=LEAST)
    rarest = int(np.unique(grades, return_counts=True)[1].min())
    splits = StratifiedKFold(min(folds, rarest), shuffle=True, random_state=seed)
    probabilities = np.empty((len(grades), len(Grade)))
    with (progress or NoProgress()).task("cross-validating", splits.n_splits) as step:
        for seen, unseen in splits.split(grades, grades):
            probabilities[unseen] = reference.predict(seen, unseen, specimens, seed=seed)
            step()
    return probabilities


def scores(
    probabilities: Float[np.ndarray, "images 3"],
) -> tuple[Int[np.ndarray, " images"], Float[np.ndarray, " images"]]:
    """Return the most probable grade, and the severity: how many grades below outstanding are expected."""
    below = float(Grade.OUTSTANDING) - np.arange(len(Grade))
    return probabilities.argmax(axis=1), probabilities @ below
