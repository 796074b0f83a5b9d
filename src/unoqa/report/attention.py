"""Which scans to look at first, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, final

from unoqa.core.assessment import DARK_RANGE, OTHER_CONTENT, OTHER_SIZE
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unoqa.core.grading import Grading
    from unoqa.report.cohort import Cohort, Scan

MOST = 10
"""Scans that are named."""

FLAG_WORDS = {
    OTHER_SIZE: "has another size than the images that the model was fitted on",
    DARK_RANGE: "uses so little of the intensity range that the range may not be meant for it",
    OTHER_CONTENT: "is unlike the scans that the model was fitted on: another kind of picture, or hardly a scan",
}
"""What a code of the record says of a scan; other codes are shown as they are."""


@final
@dataclass(frozen=True)
class Hint:
    """A scan to look at, and why, in words."""

    scan: Scan
    why: str


def choose_hints(cohort: Cohort, most: int = MOST) -> list[Hint]:
    """Choose the scans that a person decides better than the program.

    In turn: what could not be graded, what is flagged, the least certain at either border of grades, and poor scans
    of which no measure says what is wrong. Each scan is named once.
    """
    kinds = (
        _failed(cohort),
        _least_certain(cohort, Grade.OUTSTANDING),
        _least_certain(cohort, Grade.UNGRADABLE),
        _flagged(cohort),
        _least_certain(cohort, Grade.GRADABLE),
        _unexplained(cohort),
    )
    chosen: dict[int, Hint] = {}
    for hint in chain.from_iterable(zip_longest(*kinds)):
        if hint is not None and len(chosen) < most:
            chosen.setdefault(hint.scan.position, hint)
    return list(chosen.values())


def describe_flag(code: str) -> str:
    """Return what a flag says of a scan, in words."""
    return FLAG_WORDS.get(code, code.replace("-", " "))


def _failed(cohort: Cohort) -> Iterable[Hint]:
    for scan in cohort.scans:
        if scan.grading.grade is None:
            code, _, sentence = scan.grading.error.partition(": ")
            yield Hint(scan, f"no grade: {sentence or code}")


def _flagged(cohort: Cohort) -> Iterable[Hint]:
    for scan in cohort.scans:
        if scan.flags:
            yield Hint(scan, describe_flag(scan.flags[0]))


def _least_certain(cohort: Cohort, grade: Grade) -> Iterable[Hint]:
    unsure = (scan for scan in cohort.scans if scan.grading.unsure and not scan.grading.out_of_scope)
    graded = [scan for scan in unsure if scan.grading.grade is grade]
    for scan in sorted(graded, key=lambda scan: scan.grading.certainty or 0.0):
        question = _ask(scan.grading, cohort.border)
        yield Hint(scan, f"{question} (certainty {scan.grading.certainty:.2f} of 1)")


def _ask(grading: Grading, border: float | None) -> str:
    """Return the question that a person decides: on which side of the nearer border the image is."""
    best, worst = "outstanding or gradable?", "gradable or ungradable?"
    if grading.grade is not Grade.GRADABLE:
        return best if grading.grade is Grade.OUTSTANDING else worst
    if border is None or grading.score is None:
        return "gradable, or better, or worse?"
    return best if grading.score - grading.threshold < border - grading.score else worst


def _unexplained(cohort: Cohort) -> Iterable[Hint]:
    poor = [scan for scan in cohort.scans if scan.grading.grade is Grade.UNGRADABLE and not scan.grading.findings]
    for scan in sorted(poor, key=lambda scan: -(scan.grading.score or 0.0)):
        yield Hint(scan, "ungradable, and no measure says what is wrong")
