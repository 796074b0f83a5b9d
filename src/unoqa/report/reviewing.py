"""What readers have decided about a cohort: who has graded how much, and the final grades that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.report.cohort import GRADES
from unoqa.report.tables import Table, format_share, word_of
from unoqa.store.results.reviews import BLIND, VIEW, Review, Source, list_readers

if TYPE_CHECKING:
    from unoqa.core.grading import Grade
    from unoqa.report.cohort import Cohort

WHOSE = {
    Source.ADJUDICATION: "adjudicated",
    Source.READERS: "of all readers",
    Source.DISAGREEMENT: "readers disagree",
    Source.MACHINE: "of unoqa",
    Source.NOBODY: "of nobody",
}
"""Whose the final grade is, in words."""


def tabulate_review(cohort: Cohort) -> list[Table]:
    """Return the tables of a review; none if no reader has graded an image."""
    readers = list_readers(cohort.reviews.values())
    return [_readers(cohort, readers), _final_grades(cohort)] if readers else []


def describe_final(review: Review | None, machine: Grade | None) -> str:
    """Return the final grade of an image and whose it is, in words; empty if no person has graded it."""
    if review is None or not (review.grades or review.adjudicator):
        return ""
    grade, source = review.settle(machine)
    return WHOSE[source] if grade is None else f"{grade.word}, {WHOSE[source]}"


def _readers(cohort: Cohort, readers: tuple[str, ...]) -> Table:
    rows = []
    for reader in readers:
        graded = {place: review for place, review in cohort.reviews.items() if reader in review.grades}
        blind = sum(review.fields.get(VIEW, {}).get(reader) == BLIND for review in graded.values())
        same = sum(review.grades[reader] is cohort.scans[place].grading.grade for place, review in graded.items())
        counts = (format_share(len(graded), len(cohort.scans)), str(blind), format_share(same, len(graded)))
        rows.append((reader, *counts))
    note = "Blind: graded before anything that unoqa or other readers say was shown."
    return Table("Readers", ("reader", "images graded", "blind", "graded as unoqa"), tuple(rows), note)


def _final_grades(cohort: Cohort) -> Table:
    settled = [cohort.reviews.get(scan.position, Review()).settle(scan.grading.grade) for scan in cohort.scans]
    used = [source for source in WHOSE if any(one is source for _, one in settled)]
    rows = tuple(
        (
            word_of(grade),
            str(sum(final is grade for final, _ in settled)),
            *(str(settled.count((grade, source))) for source in used),
        )
        for grade in GRADES
    )
    note = "Where readers disagree there is none until somebody adjudicates. `unoqa export` writes all of them."
    return Table("Final grades", ("final grade", "images", *(WHOSE[source] for source in used)), rows, note)
