"""What a model has to say of a cohort that it graded, besides the grades."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unoqa.grader.population import describe_other_population
from unoqa.grader.scans import describe_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.assessment import Assessment, Failure
    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.model import Model
    from unoqa.grader.statistics import CohortStatistics


def add_warnings(
    result: CohortResult, assessed: Sequence[Assessment | Failure], model: Model, kept: CohortStatistics | None
) -> CohortResult:
    """Add what is to be said of this machine, of single images, and of the cohort as a whole.

    Args:
        kept: numbers of the images that the model was settled on; None if it keeps none.
    """
    found = (*model.find_warnings(), *describe_warnings(assessed, model.scans))
    return replace(result, warnings=(*found, *describe_other_population(kept, assessed), *result.warnings))
