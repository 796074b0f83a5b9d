"""Grades from assessments: by splitting a cohort, or by a split made before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.core.grading import Grade, Grading
from unoqa.grader.source import Failure
from unoqa.grader.split import FEWEST, FittedSplit, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.grader.assessment import Assessment

TOO_FEW = "cohort-too-small"

FEWEST_OF_A_GRADE, FEWEST_SHARE = 2, 0.05
"""Images, and share of those refused, below which the ungradable group may be an odd image and no grade."""

NAMED = 3
"""Images of such a group that are named."""

CERTAIN_FROM = 50
"""Refused images below which a split is made with a warning."""


@final
@dataclass(frozen=True)
class Gate:
    """The threshold between outstanding and not, and the spread that distances from it are measured in."""

    threshold: float
    spread: float

    def passes(self, score: float) -> bool:
        """Tell whether an image of that score is outstanding."""
        return score <= self.threshold

    def certainty(self, score: float) -> float:
        """Return 0 at the threshold, .76 one standard deviation of outstanding images away, 1 far away."""
        return math.tanh(abs(score - self.threshold) / self.spread)


@final
@dataclass(frozen=True)
class CohortResult:
    """The gradings of a cohort, in its order, and sentences that its reader should know."""

    gradings: tuple[Grading, ...]
    warnings: tuple[str, ...] = ()

    def count(self, grade: Grade) -> int:
        """Count the images of a grade."""
        return sum(grading.grade is grade for grading in self.gradings)


def grade_cohort(
    assessed: Sequence[Assessment | Failure], gate: Gate, split: Split, *, seed: int
) -> tuple[CohortResult, FittedSplit | None]:
    """Grade images together: those not outstanding are clustered among themselves, as in the paper.

    With fewer than 10 of them they keep their scores, and their rows say why they have no grade.
    """
    refused = [one for one in assessed if not isinstance(one, Failure) and not gate.passes(one.score)]
    if len(refused) < FEWEST:
        warnings = (_too_few(len(refused)),) if refused else ()
        return CohortResult(tuple(_alone(one, gate, None) for one in assessed), warnings), None
    points = np.stack([one.point for one in refused])
    scores = np.array([one.score for one in refused])
    fitted, verdicts = split.fit(points, scores, spread=gate.spread, seed=seed)
    graded = {  # by identity: images in memory may share a name
        id(one): _graded(one, gate, grade, margin)
        for one, grade, margin in zip(refused, verdicts.grades, verdicts.margins, strict=True)
    }
    gradings = tuple(graded.get(id(one)) or _alone(one, gate, None) for one in assessed)
    worst = tuple(grading.image for grading in gradings if grading.grade is Grade.UNGRADABLE)
    return CohortResult(gradings, _warnings(len(refused), worst, fitted)), fitted


def grade_settled(assessed: Sequence[Assessment | Failure], gate: Gate, split: FittedSplit) -> CohortResult:
    """Grade images each for itself, by a split made before."""
    return CohortResult(tuple(_alone(one, gate, split) for one in assessed))


def _alone(one: Assessment | Failure, gate: Gate, split: FittedSplit | None) -> Grading:
    if isinstance(one, Failure):
        return Grading(one.name, None, None, gate.threshold, None, error=f"{one.code}: {one.sentence}")
    if gate.passes(one.score):
        return Grading(one.image, Grade.OUTSTANDING, one.score, gate.threshold, gate.certainty(one.score))
    if split is None:
        error = f"{TOO_FEW}: not outstanding, but too few such images to tell gradable from ungradable."
        return Grading(one.image, None, one.score, gate.threshold, None, one.reasons, error)
    return _graded(one, gate, *split.grade(one.point))


def _graded(one: Assessment, gate: Gate, grade: Grade, margin: float) -> Grading:
    far_from_the_gate = grade is Grade.UNGRADABLE  # uncertain by the split alone
    certainty = float(margin) if far_from_the_gate else min(gate.certainty(one.score), float(margin))
    return Grading(one.image, grade, one.score, gate.threshold, certainty, one.reasons)


def _too_few(refused: int) -> str:
    return (
        f"{'1 image is' if refused == 1 else f'{refused} images are'} not outstanding, and telling gradable from "
        f"ungradable takes at least {FEWEST}: "
        "grade a larger cohort, or use a model settled on one (unoqa settle)."
    )


def lone(ungradable: Sequence[str], refused: int) -> str:
    """Say that the ungradable group is so small that something else than quality may have made it."""
    if not ungradable or len(ungradable) >= max(FEWEST_OF_A_GRADE, FEWEST_SHARE * refused):
        return ""
    return (
        f"Only {len(ungradable)} of {refused} images that are not outstanding make the ungradable group "
        f"({', '.join(ungradable[:NAMED])}): if these are not scans like the others, leave them out and "
        "run again, because one odd image makes all others gradable"
    )


def _warnings(refused: int, ungradable: Sequence[str], fitted: FittedSplit) -> tuple[str, ...]:
    found = []
    few = lone(ungradable, refused)
    if few:
        found.append(f"{few}.")
    if not fitted.distinct:
        found.append(
            "The images that are not outstanding do not fall into two groups: gradable and ungradable are "
            "told apart with certainty 0."
        )
    if refused < CERTAIN_FROM:
        found.append(
            f"Only {refused} images are not outstanding; a split of fewer than {CERTAIN_FROM} would be another with "
            "a few more: take a larger cohort where there is one."
        )
    return tuple(found)
