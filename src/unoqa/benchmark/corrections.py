"""Grades that were corrected in a table, taken back into the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from unoqa.benchmark.labels import join_labels
from unoqa.benchmark.parts.grade_cells import parse_grade
from unoqa.benchmark.parts.names import parse_image_name
from unoqa.core.errors import ResultsError
from unoqa.store.results.reviews import (
    ADJUDICATION,
    GRADE,
    OPEN,
    VIEW,
    Review,
    check_reader,
    check_reason,
    collect_reviews,
)
from unoqa.store.tables.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.core.grading import Grade
    from unoqa.store.results import Decision, Results

WHAT = "a CSV that `unoqa export` wrote, with the column grade corrected"


@final
@dataclass(frozen=True)
class Correction:
    """One grade that the table changes.

    Attributes:
        exported: the final grade when the table was exported.
        current: the final grade now.
        wanted: the grade in the table.
        by: who has graded the image since the export.
        readers: the readers' grades now, by reader; empty if the image has an adjudicated grade.
    """

    position: int
    image: str
    exported: Grade | None
    current: Grade | None
    wanted: Grade
    by: tuple[str, ...] = ()
    readers: Mapping[str, Grade] = field(default_factory=dict)

    @property
    def conflicts(self) -> bool:
        """Whether someone else has changed the final grade since the export, to another grade than the table's."""
        return self.exported is not self.current and self.current is not self.wanted

    def is_disputed(self, reader: str) -> bool:
        """Whether other readers grade the image otherwise, so that the grade of this one decides nothing."""
        return any(name != reader and grade is not self.wanted for name, grade in self.readers.items())


@final
@dataclass(frozen=True)
class Corrections:
    """What a table changes.

    Attributes:
        changes: those that can be made.
        conflicts: those that would undo what others decided after the export.
        unmatched: number of rows whose image the record does not have.
    """

    changes: tuple[Correction, ...]
    conflicts: tuple[Correction, ...]
    unmatched: int


def find_corrections(results: Results, path: Path) -> Corrections:
    """Compare a table with the record.

    The record keeps every decision, so it knows the final grades at the moment of the export: the table's column
    `as_of` names the last decision of then. A table without that column is compared with the record as it is now.

    Raises:
        ResultsError: the table cannot be read, or does not belong to the record.
    """
    wanted: dict[str, Grade] = {}
    as_of: int | None = None
    for line, row in read_rows(path, ("image", "grade"), WHAT, ResultsError, optional=("as_of",)):
        if row["grade"].strip():
            wanted[parse_image_name(row["image"])] = parse_grade(row["grade"], line, path, ResultsError)
        if row.get("as_of", "").strip():
            as_of = _parse_number(row["as_of"], line, path)
    decisions = results.decisions
    if as_of is not None and as_of > (decisions[-1].number if decisions else 0):
        raise ResultsError(f"{path} was exported from another record than that of {results.folder}; name its own.")
    machine = [(grading.image, grading.grade) for grading in results.iterate()]
    joined = join_labels([image for image, _ in machine], wanted)
    before = decisions if as_of is None else [one for one in decisions if one.number <= as_of]
    found = list(_compare(machine, {image: wanted[label] for image, label in joined.items()}, before, decisions))
    conflicts = tuple(one for one in found if one.conflicts)
    return Corrections(tuple(one for one in found if not one.conflicts), conflicts, len(wanted) - len(joined))


def _compare(
    machine: Sequence[tuple[str, Grade | None]],
    wanted: Mapping[str, Grade],
    before: Sequence[Decision],
    after: Sequence[Decision],
) -> list[Correction]:
    reviews_before, reviews_after = collect_reviews(before), collect_reviews(after)
    found = []
    for position, (image, grade) in enumerate(machine):
        if image not in wanted:
            continue
        then, now = (reviews.get(position, Review()) for reviews in (reviews_before, reviews_after))
        exported, current = then.settle(grade)[0], now.settle(grade)[0]
        if wanted[image] not in (exported, current):
            since = now.trail[len(then.trail) :]
            by = tuple(sorted({one.reader for one in since if one.field in (GRADE, ADJUDICATION)}))
            readers = now.grades if now.adjudicated is None else {}
            found.append(Correction(position, image, exported, current, wanted[image], by, readers))
    return found


def apply_corrections(
    results: Results, corrections: Sequence[Correction], *, reader: str, reason: str, adjudicate: bool = False
) -> None:
    """Add the grades to the record, as decisions of the reader, who saw all grades in the table.

    Args:
        reason: stands in the record beside each decision.
        adjudicate: whether they are final also where readers disagree.

    Raises:
        UsageError: the reader's name or the reason is none that the record takes.
    """
    reader, reason = check_reader(reader), check_reason(reason)
    name = ADJUDICATION if adjudicate else GRADE
    reviews = collect_reviews(results.decisions)
    for one in corrections:
        if reader not in reviews.get(one.position, Review()).fields.get(VIEW, {}):
            results.decide(one.position, reader, VIEW, OPEN)
        results.decide(one.position, reader, name, one.wanted.word, reason=reason)


def _parse_number(cell: str, line: int, path: Path) -> int:
    try:
        return int(float(cell))
    except ValueError:
        raise ResultsError(
            f"Line {line} of {path} has '{cell}' in the column as_of; leave this column as it was exported."
        ) from None
