"""Grades from assessments: by splitting a cohort, or by a split that was frozen before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeGuard, final

import numpy as np
from jaxtyping import Bool, Float

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.errors import CohortError
from unoqa.core.grading import SURE, Grade, Grading
from unoqa.grader.certainty import draw_borders, draw_thresholds, find_certainty
from unoqa.grader.panel import SMALLEST_STD
from unoqa.grader.split import FEWEST, SMALLEST_DISTANCE, FittedSplit, Split, SplitGrades
from unoqa.store.results.points import stack_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.contracts import Threshold

TOO_FEW = "cohort-too-small"

SETTLE_FIRST = (
    "Grading single images takes a settled model, and this one is not settled: run "
    "`unoqa settle COHORT -m MODEL -o MODEL2` (in Python: `grader.settle(cohort)`) on a mixed cohort first."
)

SMALL_GROUP, SMALL_SHARE = 2, 0.05
"""Number of images, and share of those not outstanding, below which the ungradable group may be odd images only."""

FAR_QUANTILE, FAR = 0.9, 3.0
"""An image is far worse than the others if it exceeds the threshold by 3 times what nine of ten of them do.

No image of two real cohorts is that far. Five that are 1.5 times as far as the worst are clustered with the others, and
change a tenth of the grades of one cohort (docs/accuracy.md).
"""

NAMED = 3
"""Images of such a small group that are named."""

SHOWN = 2
"""Numbers of an image's reduced point that its grading keeps, to be drawn."""

RELIABLE_FROM = 50
"""Images not outstanding below which a split comes with a warning."""


@final
@dataclass(frozen=True)
class FittedThreshold:
    """The score up to which an image is outstanding.

    Attributes:
        value: the threshold.
        std: standard deviation of the scores of outstanding images, the unit of distances from the threshold.
        others: thresholds that other outstanding images might give; see `unoqa.grader.certainty`.
    """

    value: float
    std: float
    others: tuple[float, ...] = ()

    @classmethod
    def fit(cls, threshold: Threshold, scores: Float[np.ndarray, " images"], *, seed: int) -> FittedThreshold:
        """Fit on the scores of outstanding images, each by modules that were not fitted on it."""
        std = float(max(scores.std(), SMALLEST_STD))
        return cls(threshold.fit(scores), std, draw_thresholds(threshold, scores, seed=seed))

    @property
    def drawn(self) -> tuple[float, ...]:
        """The others or, where none were drawn, the threshold itself."""
        return self.others or (self.value,)

    def passes(self, score: float) -> bool:
        """Tell whether an image with that score is outstanding."""
        return score <= self.value


@final
@dataclass(frozen=True, repr=False)
class CohortResult:
    """The gradings of a cohort in its order, and warnings for whoever reads them."""

    gradings: tuple[Grading, ...]
    warnings: tuple[str, ...] = ()

    def count(self, grade: Grade) -> int:
        """Count the images of a grade."""
        return sum(grading.grade is grade for grading in self.gradings)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(grade)} {grade.word}" for grade in reversed(Grade))
        return f"CohortResult({len(self.gradings)} images: {counts})"


def grade_cohort(
    assessed: Sequence[Assessment | Failure], threshold: FittedThreshold, split: Split, *, seed: int
) -> tuple[CohortResult, FittedSplit | None]:
    """Grade images together: those not outstanding are clustered, as in the paper.

    With fewer than 10 of them they keep their scores, and their rows say why they have no grade. What is out of scope
    takes no part: it is ungradable, with certainty 0. Images far worse than the others are graded by the split that
    the others make; else a few of them would make a group of their own, and all others gradable.
    """
    refused = [one for one in assessed if is_refused_scan(one, threshold)]
    far = _find_far(np.array([one.score for one in refused]) - threshold.value)
    not_outstanding = [one for one, apart in zip(refused, far, strict=True) if not apart]
    if len(not_outstanding) < FEWEST:
        warnings = (_warn_of_few(len(not_outstanding)),) if not_outstanding else ()
        return CohortResult(tuple(_grade_alone(one, threshold, None) for one in assessed), warnings), None
    points = stack_points([one.point for one in not_outstanding])
    scores = np.array([one.score for one in not_outstanding])
    fitted, grades = split.fit(points, scores, std=threshold.std, seed=seed)
    passing = [one.score for one in assessed if _is_scan(one) and threshold.passes(one.score)]
    fitted = replace(fitted, borders=_draw_borders(fitted, grades, scores, np.array(passing), threshold, seed=seed))
    graded = {  # by identity: images in memory may share a name
        id(one): _grade_clustered(one, threshold, fitted, grades, number) for number, one in enumerate(not_outstanding)
    }
    gradings = tuple(graded.get(id(one)) or _grade_alone(one, threshold, fitted) for one in assessed)
    worst = list_ungradable_scans(gradings)
    apart = [one.image for one, is_far in zip(refused, far, strict=True) if is_far]
    return CohortResult(gradings, (*_warn_of_far(apart), *_warnings(len(refused), worst, fitted))), fitted


def grade_settled(
    assessed: Sequence[Assessment | Failure], threshold: FittedThreshold, split: FittedSplit
) -> CohortResult:
    """Grade each image on its own, by a split that was frozen before."""
    return CohortResult(tuple(_grade_alone(one, threshold, split) for one in assessed))


def check_cohort_size(images: int) -> None:
    """Refuse a cohort that cannot hold enough images to split.

    Raises:
        CohortError: fewer than 10 images.
    """
    if images < FEWEST:
        raise CohortError(
            f"Grading a cohort takes at least {FEWEST} images, and there "
            f"{'is 1' if images == 1 else f'are {images}'}; for fewer, settle the model on a larger cohort first: "
            "unoqa settle COHORT -m MODEL -o MODEL2, then grade with MODEL2."
        )


def is_refused_scan(one: Assessment | Failure, threshold: FittedThreshold) -> TypeGuard[Assessment]:
    """Tell whether an image is a scan, and not outstanding."""
    return _is_scan(one) and not threshold.passes(one.score)


def _is_scan(one: Assessment | Failure) -> TypeGuard[Assessment]:
    return isinstance(one, Assessment) and not one.out_of_scope


def list_ungradable_scans(gradings: Sequence[Grading]) -> list[str]:
    """Return the names of ungradable images, without those that are out of scope."""
    return [one.image for one in gradings if one.grade is Grade.UNGRADABLE and not one.out_of_scope]


def _find_far(excess: Float[np.ndarray, " images"]) -> Bool[np.ndarray, " images"]:
    """Tell which images exceed the threshold by far more than nine of ten others do; none, if too few would be left."""
    none = np.zeros(len(excess), dtype=bool)
    far = excess > FAR * np.quantile(excess, FAR_QUANTILE) if len(excess) else none
    return far if (~far).sum() >= FEWEST else none


def _warn_of_far(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    images = "1 image scores" if len(names) == 1 else f"{len(names)} images score"
    return (f"{images} far worse than all others and moved no other grade: {', '.join(names[:NAMED])}.",)


def grade_failure(one: Failure, threshold: float) -> Grading:
    """Return the row of an image that cannot be read or used."""
    error = f"{one.code}: {one.message}"
    return Grading(one.name, None, None, threshold, None, error=error, out_of_scope=one.out_of_scope)


def _draw_borders(
    split: FittedSplit,
    grades: SplitGrades,
    scores: Float[np.ndarray, " refused"],
    passing: Float[np.ndarray, " passing"],
    threshold: FittedThreshold,
    *,
    seed: int,
) -> tuple[float, ...]:
    """Draw the borders that other cohorts of the kind might give; some of its outstanding images might be refused."""
    places = list(map(split.place, scores, grades.grades, grades.margins))
    return draw_borders(
        np.concatenate([scores, passing]),
        np.concatenate([places, passing]),
        np.array(threshold.drawn),
        apart=SMALLEST_DISTANCE * threshold.std,
        fewest=FEWEST,
        seed=seed,
    )


def _grade_alone(one: Assessment | Failure, threshold: FittedThreshold, split: FittedSplit | None) -> Grading:
    if isinstance(one, Failure):
        return grade_failure(one, threshold.value)
    if one.out_of_scope:
        return _make_grading(one, threshold, Grade.UNGRADABLE, 0.0)
    if threshold.passes(one.score):
        certainty = find_certainty(Grade.OUTSTANDING, one.score, one.score, one.spread, threshold.drawn)
        return _make_grading(one, threshold, Grade.OUTSTANDING, certainty)
    if split is None:
        error = f"{TOO_FEW}: not outstanding, but too few such images to tell gradable from ungradable."
        return _make_grading(one, threshold, None, None, error)
    return _grade_clustered(one, threshold, split, split.grade_points(one.point[None]), 0)


def _grade_clustered(
    one: Assessment, threshold: FittedThreshold, split: FittedSplit, grades: SplitGrades, number: int
) -> Grading:
    """Where the groups do not differ, no grade is certain."""
    grade, certainty = grades.grades[number], 0.0
    if split.distinct:
        place = split.place(one.score, grade, float(grades.margins[number]))
        certainty = find_certainty(grade, one.score, place, one.spread, threshold.drawn, split.borders)
    reduced = tuple(float(value) for value in grades.reduced[number, :SHOWN])
    return replace(_make_grading(one, threshold, grade, certainty), reduced=reduced)


def _make_grading(
    one: Assessment, threshold: FittedThreshold, grade: Grade | None, certainty: float | None, error: str = ""
) -> Grading:
    return Grading(
        one.image,
        grade,
        one.score,
        threshold.value,
        certainty,
        findings=one.findings,
        error=error,
        percentile=one.percentile,
        out_of_scope=one.out_of_scope,
        unsure=certainty is not None and certainty < SURE,
    )


def _warn_of_few(not_outstanding: int) -> str:
    images = "1 image is" if not_outstanding == 1 else f"{not_outstanding} images are"
    return (
        f"{images} not outstanding; at least {FEWEST} are needed to tell gradable from ungradable: "
        "grade a larger cohort, or use a settled model (see unoqa settle)."
    )


def describe_small_group(ungradable: Sequence[str], not_outstanding: int) -> str:
    """Say that the ungradable group is so small that something other than quality may have made it; else return ""."""
    if not ungradable or len(ungradable) >= max(SMALL_GROUP, SMALL_SHARE * not_outstanding):
        return ""
    return (
        f"Only {len(ungradable)} of {not_outstanding} images that are not outstanding form the ungradable group "
        f"({', '.join(ungradable[:NAMED])}): if these are not scans like the others, leave them out and "
        "run again, because one odd image makes all others gradable"
    )


def _warnings(not_outstanding: int, ungradable: Sequence[str], fitted: FittedSplit) -> tuple[str, ...]:
    found = []
    small = describe_small_group(ungradable, not_outstanding)
    if small:
        found.append(f"{small}.")
    if not fitted.distinct:
        found.append(
            "The images that are not outstanding do not fall into two groups: gradable and ungradable are "
            "told apart with certainty 0."
        )
    if not_outstanding < RELIABLE_FROM:
        found.append(
            f"Only {not_outstanding} images are not outstanding; with fewer than {RELIABLE_FROM} the split between "
            "gradable and ungradable may change when a few more are added: grade a larger cohort if you have one."
        )
    return tuple(found)
