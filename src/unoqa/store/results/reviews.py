"""What readers have decided about each image, read from their decisions; and the final grade that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unoqa.store.results.decisions import Decision

GRADE = "grade"
"""A reader's own grade: a word of `Grade`."""

ADJUDICATION = "adjudication"
"""The grade that someone gives where readers disagree; it is final."""

FAULTS = "findings"
"""Faults that a reader sees, in words, separated by `; `."""

NOTE, CAUSE = "note", "cause"
"""A reader's note, and who or what caused the fault: one of `CAUSES`."""

VIEW = "view"
"""What a reader saw before the first grade: one of `BLIND` and `OPEN`."""

BLIND, OPEN = "blind", "open"
"""The image alone; or also what the machine, or other readers, say of it."""

CAUSES = ("operator", "patient", "device")

SEPARATOR = "; "

UNDO = "undo"
"""The reason of a decision that takes back the one before it; no reader may give it for another one."""

EDITED = "edited"
"""The reason of a change of a note, a cause or findings, which nobody has to explain."""

MAX_NAME, MAX_TEXT = 60, 2000
"""Characters of a reader's name, and of a note or a reason."""


@final
class Source(Enum):
    """Whose grade the final grade is."""

    ADJUDICATION = "adjudication"
    READERS = "readers"
    DISAGREEMENT = "disagreement"
    MACHINE = "machine"
    NOBODY = ""


@final
@dataclass
class Review:
    """What readers have decided about one image.

    Attributes:
        fields: the latest decisions that are not withdrawn, by field and reader; the latest reader is the last.
        trail: all decisions about the image, the earliest first.
    """

    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    trail: list[Decision] = field(default_factory=list)

    @property
    def grades(self) -> dict[str, Grade]:
        """The readers' own grades, by reader."""
        return {reader: to_grade(word) for reader, word in self.fields.get(GRADE, {}).items()}

    @property
    def adjudicator(self) -> str:
        """Who adjudicated last; empty if nobody did."""
        return next(reversed(self.fields.get(ADJUDICATION, {})), "")

    @property
    def adjudicated(self) -> Grade | None:
        """The grade that was given then."""
        return to_grade(self.fields[ADJUDICATION][self.adjudicator]) if self.adjudicator else None

    @property
    def disagrees(self) -> bool:
        """Whether readers' grades differ and nobody has adjudicated."""
        return self.adjudicated is None and len(set(self.grades.values())) > 1

    @property
    def decided(self) -> Grade | None:
        """The grade that people gave: by adjudication, or by all readers alike; None if there is none."""
        if self.adjudicated is not None:
            return self.adjudicated
        grades = set(self.grades.values())
        return grades.pop() if len(grades) == 1 else None

    def settle(self, machine: Grade | None) -> tuple[Grade | None, Source]:
        """Return the final grade and whose it is; readers who disagree leave none."""
        if self.adjudicated is not None:
            return self.adjudicated, Source.ADJUDICATION
        if self.disagrees:
            return None, Source.DISAGREEMENT
        if self.decided is not None:
            return self.decided, Source.READERS
        return machine, Source.NOBODY if machine is None else Source.MACHINE

    def add(self, decision: Decision) -> None:
        """Take one more decision into account."""
        self.trail.append(decision)
        by_reader = self.fields.setdefault(decision.field, {})
        by_reader.pop(decision.reader, None)
        if decision.new is not None:
            by_reader[decision.reader] = decision.new


def collect_reviews(decisions: Iterable[Decision]) -> dict[int, Review]:
    """Return the review of each image that has one, by the image's position.

    Args:
        decisions: the earliest first.
    """
    reviews: dict[int, Review] = {}
    for decision in decisions:
        reviews.setdefault(decision.position, Review()).add(decision)
    return reviews


def list_readers(reviews: Iterable[Review]) -> tuple[str, ...]:
    """Return the names of all who gave grades, sorted."""
    return tuple(sorted({reader for review in reviews for reader in review.fields.get(GRADE, {})}))


def check_reader(name: str) -> str:
    """Return a reader's name without blanks around it.

    Raises:
        UsageError: it is empty, too long or holds control characters.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise UsageError(f"A reader's name has 1 to {MAX_NAME} characters, all of them printable; type your name.")
    return name


def check_reason(reason: str) -> str:
    """Return the reason of a decision without blanks around it; it may be empty.

    Raises:
        UsageError: it is too long, or the word by which the record knows what was undone.
    """
    reason = check_length("reason", reason).strip()
    if reason == UNDO:
        raise UsageError(f"The reason '{UNDO}' marks what was undone; say why in other words.")
    return reason


def check_length(what: str, text: str) -> str:
    """Return what a reader wrote.

    Raises:
        UsageError: it is too long.
    """
    if len(text) > MAX_TEXT:
        raise UsageError(f"The {what} has {len(text)} characters; write {MAX_TEXT} at most.")
    return text


def to_grade(word: str) -> Grade:
    """Return the grade that a decision names.

    Raises:
        ResultsError: it names none.
    """
    try:
        return Grade[word.upper()]
    except KeyError:
        raise ResultsError(f"The record has a decision for the grade '{word}', which does not exist.") from None
