"""From the assessments of a cohort to grades: each model grades the images that it scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.grading import Grading
from unoqa.grader.cohort import CohortResult, grade_cohort, grade_failure, grade_settled
from unoqa.grader.cohort_warnings import add_warnings
from unoqa.grader.duplicates import Duplicates, Print, find_duplicates
from unoqa.grader.grader import SettledGrader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.batch.shards import Shard
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.grader import AnyGrader

Assessed = Assessment | Failure

SHARD = "shard"
"""Code of an image that has no grade yet."""


@final
@dataclass(frozen=True)
class Outcome:
    """The grades of a cohort.

    Attributes:
        borders: of each model, the score from which an image is ungradable; None if there is none.
        images: number of images that each model scored.
    """

    result: CohortResult
    borders: tuple[float | None, ...]
    images: tuple[int, ...]
    duplicates: Duplicates


def grade_each(models: Models, assessed: Sequence[Assessed], *, cohort: bool) -> Outcome:
    """Grade images, each by the model that scored it.

    Args:
        cohort: whether to cluster the images even if a model is settled.
    """
    gradings: dict[int, Grading] = {}
    warnings, borders, counts = [], list[float | None](), []
    several = len(models.graders) > 1
    for number, model in enumerate(models.graders):
        own = {place: one for place, one in enumerate(assessed) if isinstance(one, Assessment) and one.model == number}
        result, border = _grade(model, list(own.values()), cohort=cohort)
        gradings |= dict(zip(own, result.gradings, strict=True))
        warnings += [f"{models.names[number]}: {one}" if several else one for one in result.warnings]
        borders.append(border)
        counts.append(len(own))
    threshold = float("nan") if several else models.graders[0].grader.threshold.value
    failed = {place: one for place, one in enumerate(assessed) if isinstance(one, Failure)}
    gradings |= {place: grade_failure(one, threshold) for place, one in failed.items()}
    duplicates = find_duplicates([_make_print(one) for one in assessed])
    every = CohortResult(tuple(gradings[place] for place in range(len(assessed))), (*warnings, *duplicates.describe()))
    return Outcome(every, tuple(borders), tuple(counts), duplicates)


def leave_ungraded(models: Models, assessed: Sequence[Assessed], shard: Shard) -> Outcome:
    """Grade nothing: the images of a shard are clustered together with those of all others."""
    error = f"{SHARD}: shard {shard} of a cohort; all shards together get grades (unoqa join)."
    gradings = tuple(
        grade_failure(one, float("nan"))
        if isinstance(one, Failure)
        else Grading(one.image, None, one.score, float("nan"), None, error=error, out_of_scope=one.out_of_scope)
        for one in assessed
    )
    counts = Counter(one.model for one in assessed if isinstance(one, Assessment))
    numbers = range(len(models.graders))
    return Outcome(
        CohortResult(gradings), tuple(None for _ in numbers), tuple(counts[number] for number in numbers), Duplicates()
    )


def _grade(model: AnyGrader, own: Sequence[Assessment], *, cohort: bool) -> tuple[CohortResult, float | None]:
    """Return the grades of the images of one model, and the border between its gradable and ungradable ones."""
    grader, split = model.grader, model.frozen_split
    if split is not None and not cohort:
        result = grade_settled(own, grader.threshold, split)
    else:
        result, split = grade_cohort(own, grader.threshold, grader.split, seed=grader.model.seed)
    kept = model.statistics if isinstance(model, SettledGrader) else None
    return add_warnings(result, own, grader.model, kept), None if split is None else split.border


def _make_print(one: Assessed) -> Print:
    return Print(one.name, "", "") if isinstance(one, Failure) else Print(one.image, one.digest, one.fingerprint)
