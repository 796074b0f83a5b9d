"""Grading images with a model of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.grader.grader import SettledGrader

if TYPE_CHECKING:
    from unoqa.core.progress import Progress
    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.grader import Grader
    from unoqa.grader.source import ImagesLike


def grade_together(
    model: Grader | SettledGrader, images: ImagesLike, *, progress: Progress | None = None
) -> CohortResult:
    """Grade images as the model does: a settled one each on its own, another one as a cohort.

    Raises:
        CohortError: as `Grader.grade_cohort`.
    """
    if isinstance(model, SettledGrader):
        return model.grade_all(images, progress=progress)
    return model.grade_cohort(images, progress=progress)
