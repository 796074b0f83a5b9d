"""Final grades as rows: the machine's, the readers', the adjudicated, and how they came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.store.results.reviews import CAUSE, FAULTS, NOTE, SEPARATOR, Review, collect_reviews, list_readers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.core.grading import Grade, Grading
    from unoqa.store.results import Decision, Results

Cell = str | float | int | None

COLUMNS: dict[str, type] = {
    "image": str,
    "grade": str,  # the final one, so that the table serves as a label file
    "source": str,
    "machine": str,
    "score": float,
    "certainty": float,
    "adjudicated": str,
    "adjudicator": str,
    "findings": str,
    "cause": str,
    "note": str,
    "trail": str,
    "as_of": int,
}
"""Columns and their types; after them comes one text column per reader."""

READER = "grade of "
"""What the column of a reader's grades is called before the reader's name."""


@final
class FinalGrades:
    """All rows of a record, of one moment: what readers decide while rows are read is in none of them.

    Attributes:
        columns: all columns and their types.
        as_of: the number of the last decision; by it a table that was corrected finds its conflicts.
    """

    def __init__(self, results: Results) -> None:
        decisions = results.decisions
        self._results = results
        self._reviews = collect_reviews(decisions)
        self._readers = list_readers(self._reviews.values())
        self.as_of = decisions[-1].number if decisions else 0
        self.columns = COLUMNS | {f"{READER}{reader}": str for reader in self._readers}

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        for position, grading in enumerate(self._results.iterate()):
            review = self._reviews.get(position, Review())
            grades = review.grades
            of_readers = {f"{READER}{reader}": _word(grades.get(reader)) for reader in self._readers}
            yield {**_make_row(grading, review), "as_of": self.as_of, **of_readers}


def _make_row(grading: Grading, review: Review) -> dict[str, Cell]:
    grade, source = review.settle(grading.grade)
    return {
        "image": grading.image,
        "grade": _word(grade),
        "source": source.value,
        "machine": _word(grading.grade),
        "score": grading.score,
        "certainty": grading.certainty,
        "adjudicated": _word(review.adjudicated),
        "adjudicator": review.adjudicator,
        "findings": _join(review, FAULTS),
        "cause": _join(review, CAUSE),
        "note": _join(review, NOTE),
        "trail": SEPARATOR.join(map(_describe, review.trail)),
    }


def _word(grade: Grade | None) -> str:
    return "" if grade is None else grade.word


def _join(review: Review, name: str) -> str:
    """Return what each reader wrote, after the reader's name."""
    return SEPARATOR.join(f"{reader}: {text}" for reader, text in sorted(review.fields.get(name, {}).items()))


def _describe(decision: Decision) -> str:
    change = f"{decision.old} → " if decision.old is not None else ""
    new = "withdrawn" if decision.new is None else decision.new
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.time} {decision.reader}, {decision.field}: {change}{new}{reason}"
