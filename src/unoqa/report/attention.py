"""Which scans to look at first, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, final

from unoqa.core.assessment import DARK_RANGE, OTHER_CONTENT, OTHER_SIZE
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unoqa.core.grading import Grading
    from unoqa.report.cohort import Cohort, Scan

    Rows = Sequence[tuple[int, Grading]]
    Why = Iterator[tuple[int, str]]

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
    """Choose the scans that a person decides better than the program, in the order of `rank_by_doubt`."""
    gradings, flags = [scan.grading for scan in cohort.scans], [scan.flags for scan in cohort.scans]
    ranked = rank_by_doubt(gradings, flags, cohort.border)
    return [Hint(cohort.scans[row], why) for row, why in islice(ranked.items(), most)]


def rank_by_doubt(
    gradings: Sequence[Grading], flags: Sequence[Sequence[str]], border: float | None = None
) -> dict[int, str]:
    """Return the rows of all scans that a person decides better than the program, in the order to look, and why.

    In turn: what could not be graded, what is flagged, the least certain at either border of grades, and poor scans
    of which no measure says what is wrong. Each scan is named once. The report and the review share this order.

    Args:
        flags: of each scan, codes of what is odd about it, beside its quality; empty ones are none.
        border: the score above which a scan is ungradable; None if there is no single one.
    """
    rows = list(enumerate(gradings))
    kinds = (
        _failed(rows),
        _least_certain(rows, Grade.OUTSTANDING, border),
        _least_certain(rows, Grade.UNGRADABLE, border),
        _flagged(flags),
        _least_certain(rows, Grade.GRADABLE, border),
        _unexplained(rows),
    )
    ranked: dict[int, str] = {}
    for row, why in filter(None, chain.from_iterable(zip_longest(*kinds))):
        ranked.setdefault(row, why)
    return ranked


def describe_flag(code: str) -> str:
    """Return what a flag says of a scan, in words."""
    return FLAG_WORDS.get(code, code.replace("-", " "))


def _failed(rows: Rows) -> Why:
    for row, grading in rows:
        if grading.grade is None:
            code, _, sentence = grading.error.partition(": ")
            yield row, f"no grade: {sentence or code}"


def _flagged(flags: Sequence[Sequence[str]]) -> Why:
    for row, codes in enumerate(flags):
        if code := next(filter(None, codes), ""):
            yield row, describe_flag(code)


def _least_certain(rows: Rows, grade: Grade, border: float | None) -> Why:
    unsure = ((row, one) for row, one in rows if one.unsure and not one.out_of_scope)
    graded = [(row, one) for row, one in unsure if one.grade is grade]
    for row, grading in sorted(graded, key=lambda pair: pair[1].certainty or 0.0):
        yield row, f"{_ask(grading, border)} (certainty {grading.certainty:.2f} of 1)"


def _ask(grading: Grading, border: float | None) -> str:
    """Return the question that a person decides: on which side of the nearer border the image is."""
    best, worst = "outstanding or gradable?", "gradable or ungradable?"
    if grading.grade is not Grade.GRADABLE:
        return best if grading.grade is Grade.OUTSTANDING else worst
    if border is None or grading.score is None:
        return "gradable, or better, or worse?"
    return best if grading.score - grading.threshold < border - grading.score else worst


def _unexplained(rows: Rows) -> Why:
    poor = [(row, one) for row, one in rows if one.grade is Grade.UNGRADABLE and not one.findings]
    for row, _ in sorted(poor, key=lambda pair: -(pair[1].score or 0.0)):
        yield row, "ungradable, and no measure says what is wrong"
