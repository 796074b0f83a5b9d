"""Decisions of readers: checked, added to the record, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.app.review.sight import enter_open, read_review
from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.store.results.reviews import (
    ADJUDICATION,
    BLIND,
    CAUSE,
    CAUSES,
    EDITED,
    FAULTS,
    GRADE,
    NOTE,
    UNDO,
    VIEW,
    check_length,
    check_reason,
)

if TYPE_CHECKING:
    from unoqa.store.results import Decision, Results

WORDS = {GRADE: [grade.word for grade in Grade], ADJUDICATION: [grade.word for grade in Grade], CAUSE: [*CAUSES]}
"""What may be decided, for fields that have a choice."""


def add_decision(
    results: Results, position: int, reader: str, field: str, new: str | None, *, reason: str = ""
) -> None:
    """Add a decision; a changed grade needs a reason.

    The record keeps what a reader saw before the first grade. What others say is entered when it is shown; so whoever
    grades and has no entry saw the image alone. Whoever adjudicates has seen what the readers say.

    Raises:
        UsageError: the values are none that can be decided, or a grade is changed without a reason.
    """
    new, reason = _check_value(field, new), check_reason(reason)
    if field == GRADE and reader not in read_review(results, position).fields.get(VIEW, {}):
        results.decide(position, reader, VIEW, BLIND)
    if field == ADJUDICATION:
        enter_open(results, position, reader)
    results.decide(position, reader, field, new, reason=reason if field in (GRADE, ADJUDICATION) else EDITED)


def undo_last(results: Results, reader: str) -> Decision | None:
    """Take back a reader's last decision that stands; None if there is none.

    It stays in the record; a decision that restores what was before is added.
    """
    standing: list[Decision] = []
    for one in results.decisions:
        if one.reader != reader or one.field == VIEW:
            continue
        if one.reason != UNDO:
            standing.append(one)
        elif standing:  # a record of an earlier version may have the word from a reader
            standing.pop()
    if not standing:
        return None
    last = standing[-1]
    return results.decide(last.position, reader, last.field, last.old, reason=UNDO)


def _check_value(field: str, value: str | None) -> str | None:
    if field not in (*WORDS, FAULTS, NOTE):
        raise UsageError(f"There is nothing to decide that is called {field!r}.")
    if value is None or not value.strip():
        return None
    if field in WORDS and value not in WORDS[field]:
        raise UsageError(f"The {field} is one of {', '.join(WORDS[field])}, not {value!r}.")
    return check_length(field, value).strip()
