"""Runs a monitoring: recent images against the cohort that a model was settled on, or against other results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.benchmark.monitoring.drift import Comparison, Movement, compare, find_movements
from unoqa.benchmark.monitoring.periods import By, group_images, iterate_images
from unoqa.benchmark.monitoring.words import Words
from unoqa.core.errors import UsageError
from unoqa.grader.settling import read_settling
from unoqa.grader.statistics import FEWEST, CohortStatistics

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.grader.settling import Settling


@final
@dataclass(frozen=True)
class Monitoring:
    """What a monitoring found.

    Attributes:
        model: checksum of the model.
        reference: numbers of the images that the recent ones are compared with.
        facts: one sentence on what was compared.
        notes: sentences on what was not.
    """

    model: str
    reference: CohortStatistics
    comparisons: tuple[Comparison, ...]
    movements: tuple[Movement, ...]
    words: Words
    facts: str
    notes: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What has moved, in words."""
        return self.words.describe(self.movements)


def run_monitoring(
    folders: Sequence[Path], model: Path, *, by: By = "week", reference: Sequence[Path] = ()
) -> Monitoring:
    """Compare recent images with a reference.

    Args:
        folders: results folders with the recent images.
        model: folder of the model that graded them.
        reference: results folders whose images are the reference; by default it is the cohort that the model was
            settled on.

    Raises:
        ModelError: the model cannot be read.
        ResultsError: results cannot be read.
        UsageError: there is no reference, another model graded the images, or there are too few of either.
    """
    settling = read_settling(model)
    usual = _find_reference(settling, model, reference)
    recent = group_images(iterate_images(folders, settling.checksum), by)
    comparisons = compare(usual, recent.periods)
    compared = {one.statistic for one in comparisons}
    notes = list(recent.notes)
    if missing := [name for name in usual.names if name not in compared]:
        notes.append(
            f"{len(missing)} numbers of the reference are not known of all recent images, and are not compared; "
            "unoqa grade --findings all measures also outstanding images."
        )
    images = sum(len(one.cohort) for one in recent.periods)
    groups = {one.group for one in recent.periods}
    facts = (
        f"{images} images, {len(groups)} {'group' if len(groups) == 1 else 'groups'}, {len(recent.periods)} "
        f"{'period' if len(recent.periods) == 1 else 'periods'}; compared with {len(usual)} images "
        f"{'of the reference' if reference else 'that the model was settled on'} by {len(compared)} numbers; model "
        f"{settling.checksum[:12]}."
    )
    words = Words(usual, settling.threshold, settling.members)
    movements = find_movements(comparisons)
    return Monitoring(settling.checksum, usual, comparisons, movements, words, facts, tuple(notes))


def _find_reference(settling: Settling, model: Path, folders: Sequence[Path]) -> CohortStatistics:
    if folders:
        found = CohortStatistics.of(iterate_images(folders, settling.checksum))
    elif settling.statistics is None:
        why = "an earlier version settled it" if settling.is_settled else "it is not settled"
        raise UsageError(
            f"The model {model} keeps no cohort to compare with, since {why}: settle it on a mixed cohort (unoqa "
            "settle), or name results of a time when all was well (--reference RESULTS)."
        )
    else:
        found = settling.statistics
    if len(found) < FEWEST:
        raise UsageError(f"The reference has {len(found)} images, and {FEWEST} are needed; name more (--reference).")
    return found
