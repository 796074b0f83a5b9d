"""How sure a grade is: the probability that other outstanding images and another cohort would lead to the same one.

What might have been otherwise is drawn 200 times: the threshold, from the scores of the outstanding images; the border
between gradable and ungradable, from the scores of the cohort. By how much the score of the image itself would differ
is known from the modules of the folds (`unoqa.grader.cross_fitting.measure_spread`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int

from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.contracts import Threshold

DRAWS = 200
"""How often threshold and border are drawn."""

MOST = 1000
"""Images of a cohort that the draws are made from; of more, so many are taken at random and stand for all."""

SMALLEST_SPREAD = 1e-9
"""Floor of the standard error of a score, against division by zero."""


def draw_thresholds(threshold: Threshold, scores: Float[np.ndarray, " images"], *, seed: int) -> tuple[float, ...]:
    """Draw the thresholds that other outstanding images of the device might give, from the scores of these."""
    ordered = np.sort(scores)
    counts = _draw_counts(len(ordered), len(ordered), seed)
    return tuple(threshold.fit(np.repeat(ordered, count)) for count in counts)


def draw_borders(
    scores: Float[np.ndarray, " images"],
    places: Float[np.ndarray, " images"],
    thresholds: Float[np.ndarray, " draws"],
    *,
    apart: float,
    fewest: int,
    seed: int,
) -> tuple[float, ...]:
    """Draw the borders that other cohorts of this kind might give, each with one of the thresholds drawn.

    Whatever clustering is used, the borders drawn are those of 2-means of the places, which is exact for numbers.

    Args:
        scores: of all images of the cohort, also of outstanding ones.
        places: where each lies between gradable and ungradable, in units of the score; higher = worse.
        apart: by how much the means of the two groups must differ.
        fewest: number of images that are not outstanding below which there is no split.

    Returns:
        A border for each threshold; infinite where such a cohort would give no split.
    """
    rows = np.flatnonzero(scores > thresholds.min())
    total = len(rows)
    if total < fewest:
        return (np.inf,) * len(thresholds)
    rows = rows[np.lexsort((scores[rows], places[rows]))]  # the order of the cohort means nothing
    if total > MOST:
        rows = rows[np.sort(np.random.default_rng(seed).choice(total, MOST, replace=False))]
    counts = _draw_counts(len(rows), total, seed) * (scores[rows] > thresholds[:, None])
    borders = _find_borders(places[rows], counts, apart)
    return tuple(np.where(counts.sum(axis=1) < fewest, np.inf, borders).tolist())


def find_certainty(
    grade: Grade,
    score: float,
    place: float,
    spread: float,
    thresholds: Sequence[float],
    borders: Sequence[float] = (),
) -> float:
    """Return the probability that a refit and another cohort give an image the same grade.

    Its score by a refit is taken to be normal; two independent fits differ by √2 standard errors.

    Args:
        place: where the image lies between gradable and ungradable, in units of the score.
        spread: standard error of the score.
        thresholds, borders: those drawn; an outstanding image needs no borders.
    """
    scale = max(math.sqrt(2) * spread, SMALLEST_SPREAD)
    refused = (score - np.array(thresholds)) / scale
    if grade is Grade.OUTSTANDING:
        return float(_normal(-refused).mean())
    beyond = (place - np.array(borders)) / scale
    if grade is Grade.GRADABLE:
        same = np.maximum(_normal(-beyond) - _normal(-refused), 0.0)
    else:
        same = _normal(np.minimum(refused, beyond))
    return float(np.where(np.isfinite(beyond), same, 0.0).mean())


def _draw_counts(rows: int, total: int, seed: int) -> Int[np.ndarray, "draws rows"]:
    """Draw how often each image, or what it stands for, is among as many others of its kind.

    The kind is known by these images only, so its shares are drawn too (the Bayesian bootstrap, Rubin 1981). The
    spread is then that between two samples, and not that of one sample around what is known of all.

    Args:
        total: images that the rows stand for.
    """
    random = np.random.default_rng(seed)
    return random.multinomial(total, random.dirichlet(np.full(rows, total / rows), size=DRAWS))


def _find_borders(
    places: Float[np.ndarray, " images"], counts: Int[np.ndarray, "draws images"], apart: float
) -> Float[np.ndarray, " draws"]:
    """Return the borders of 2-means of sorted numbers that occur so many times."""
    number, total = counts.cumsum(axis=1), (counts * places).cumsum(axis=1)
    below = total[:, :-1] / np.maximum(number[:, :-1], 1)
    above = (total[:, -1:] - total[:, :-1]) / np.maximum(number[:, -1:] - number[:, :-1], 1)
    between = number[:, :-1] * (number[:, -1:] - number[:, :-1]) * np.square(above - below)
    best = between.argmax(axis=1)[:, None]
    low, high = (np.take_along_axis(means, best, axis=1)[:, 0] for means in (below, above))
    return np.where(high - low > apart, (low + high) / 2, np.inf)


def _normal(values: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
    """Return the standard normal distribution function."""
    return torch.special.ndtr(torch.from_numpy(values)).numpy()
