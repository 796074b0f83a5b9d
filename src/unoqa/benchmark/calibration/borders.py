"""Borders of grades that agree best with grades which people gave: a reader's own scale.

Both borders are moved on the score: outstanding | gradable, and gradable | ungradable. They are those with the largest
kappa, averaged over resamples of the labelled images (bagging, Breiman 1996), because the best borders of a few dozen
images are a matter of chance. For the same reason the grades of the run count as ten labelled images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from unoqa.core.grading import Grade

DRAWS = 200
"""Resamples of the labelled images, each with its best borders."""

PRIOR = 10.0
"""Number of labelled images for which the grades of the run count."""

MOST_CANDIDATES = 200
"""Scores that are tried as borders."""


@final
@dataclass(frozen=True)
class Scored:
    """Images with a score, and their grades, 0 to 2."""

    scores: Float[np.ndarray, " images"]
    grades: Int[np.ndarray, " images"]

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, rows: Bool[np.ndarray, " images"]) -> Scored:
        """Return some of the images."""
        return Scored(self.scores[rows], self.grades[rows])


@final
@dataclass(frozen=True)
class Borders:
    """Two borders, each drawn many times; the mean of the draws is the border.

    Attributes:
        thresholds: scores up to which an image is outstanding.
        borders: scores above which an image is ungradable.
    """

    thresholds: Float[np.ndarray, " draws"]
    borders: Float[np.ndarray, " draws"]

    @property
    def threshold(self) -> float:
        """The score up to which an image is outstanding."""
        return float(self.thresholds.mean())

    @property
    def border(self) -> float:
        """The score above which an image is ungradable."""
        return float(self.borders.mean())

    def grade(self, scores: Float[np.ndarray, " images"]) -> Int[np.ndarray, " images"]:
        """Grade images by their scores."""
        grades = np.where(scores <= self.border, Grade.GRADABLE, Grade.UNGRADABLE)
        return np.where(scores <= self.threshold, Grade.OUTSTANDING, grades)


def fit_borders(labelled: Scored, run: Scored, *, seed: int, draws: int = DRAWS) -> Borders:
    """Find the borders that agree best with the labels.

    Args:
        run: all images that the model graded, with the grades that it gave.
    """
    candidates = _list_candidates(labelled.scores)
    prior = PRIOR / len(run) * count_below(run, np.append(candidates, np.inf))
    order = np.argsort(labelled.scores, kind="stable")
    rows = np.append(np.searchsorted(labelled.scores[order], candidates, side="right"), len(labelled))
    is_grade = labelled.grades[order] == np.array(list(Grade))[:, None]
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(len(labelled)), size=draws)  # as `unoqa.grader.certainty` draws images
    found = []
    for count in random.multinomial(len(labelled), shares):
        below = np.pad(np.cumsum(is_grade * count, axis=1), ((0, 0), (1, 0)))[:, rows]
        kappas = measure_kappas(*np.split(below + prior, [len(candidates)], axis=1))
        found.append(candidates[list(np.unravel_index(kappas.argmax(), kappas.shape))])
    thresholds, borders = np.array(found).T
    return Borders(thresholds, borders)


def _list_candidates(scores: Float[np.ndarray, " images"]) -> Float[np.ndarray, " candidates"]:
    """Return scores midway between those of images, and one beyond either end."""
    distinct = np.unique(scores)
    beyond = max(float(np.ptp(distinct)), 1.0) / len(distinct)
    middle = (distinct[1:] + distinct[:-1]) / 2
    if len(middle) > MOST_CANDIDATES:
        middle = middle[np.linspace(0, len(middle) - 1, MOST_CANDIDATES).astype(int)]
    return np.array([distinct[0] - beyond, *middle, distinct[-1] + beyond])


def count_below(images: Scored, candidates: Float[np.ndarray, " candidates"]) -> Float[np.ndarray, "grades candidates"]:
    """Count the images of each grade up to each score."""
    each = (np.sort(images.scores[images.grades == grade]) for grade in Grade)
    return np.stack([np.searchsorted(scores, candidates, side="right") for scores in each]).astype(np.float64)


def measure_kappas(
    below: Float[np.ndarray, "grades candidates"], total: Float[np.ndarray, "grades 1"]
) -> Float[np.ndarray, "candidates candidates"]:
    """Return kappa for each threshold (row) and border (column); -inf where the border is below the threshold.

    Args:
        below: number of images of each reference grade up to each candidate.
        total: number of images of each reference grade.
    """
    images = total.sum()
    outstanding, not_ungradable = below[:, :, None], below[:, None, :]
    given = {  # images of each reference grade that the borders give a grade
        Grade.UNGRADABLE: total[:, :, None] - not_ungradable,
        Grade.GRADABLE: not_ungradable - outstanding,
        Grade.OUTSTANDING: outstanding,
    }
    agreed = sum(table[grade] for grade, table in given.items())
    expected = sum(table.sum(axis=0) * total[grade] for grade, table in given.items()) / images
    kappas = (agreed - expected) / np.maximum(images - expected, np.finfo(float).tiny)
    kappas[np.tril_indices(len(kappas), -1)] = -np.inf
    return kappas
