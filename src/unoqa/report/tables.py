"""The tables that a paper needs: grades by group, findings by grade, failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.core.grading import Grade
from unoqa.core.intervals import Share
from unoqa.report.cohort import GRADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.report.cohort import Cohort, Scan


@final
@dataclass(frozen=True)
class Table:
    """A table of text; the first column names its rows.

    Attributes:
        note: how to read it; may be empty.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def make_tables(cohort: Cohort) -> list[Table]:
    """Return all tables of a cohort."""
    tables = [_grades_by_group("group", {"all images": list(cohort.scans)})]
    tables += [_grades_by_group(name, groups) for name, groups in cohort.groupings().items()]
    return [*tables, _findings_by_grade(cohort)]


def word_of(grade: Grade | None) -> str:
    """Return the word for a grade, or for none."""
    return "no grade" if grade is None else grade.word


def format_share(count: int, total: int) -> str:
    """Return a count with its percentage, as papers print it; a dash for a share of nothing."""
    return f"{count} ({100 * count / total:.1f} %)" if total else "–"


def format_interval(share: Share) -> str:
    """Return a share in per cent with its 95 % interval; a dash for a share of nothing."""
    if not share.total:
        return "–"
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _grades_by_group(name: str, groups: dict[str, list[Scan]]) -> Table:
    used = [grade for grade in GRADES if grade is not None or any(_count(scans, None) for scans in groups.values())]
    rows = tuple(
        (
            group,
            str(len(scans)),
            *(format_share(_count(scans, grade), len(scans)) for grade in used),
            format_interval(Share(_count(scans, Grade.OUTSTANDING), len(scans))),
        )
        for group, scans in groups.items()
    )
    header = (name, "images", *map(word_of, used), "outstanding, 95 % interval")
    return Table(f"Grades by {name}" if len(groups) > 1 else "Grades", header, rows, "Wilson's interval.")


def _findings_by_grade(cohort: Cohort) -> Table:
    graded = {
        grade: [scan for scan in cohort.scans if scan.grading.grade is grade]
        for grade in (Grade.GRADABLE, Grade.UNGRADABLE)
    }
    counts = {
        grade: Counter(words for scan in scans for words in dict.fromkeys(one.words for one in scan.grading.findings))
        for grade, scans in graded.items()
    }
    every = sum(counts.values(), Counter[str]())
    rows = tuple(
        (words, *(format_share(counts[grade][words], len(graded[grade])) for grade in graded))
        for words, _ in every.most_common()
    )
    header = ("finding", *(f"{grade.word} ({len(scans)})" for grade, scans in graded.items()))
    note = "Share of the images of a grade that have the finding; an image may have up to three."
    return Table("Findings by grade", header, rows, note)


def _count(scans: Sequence[Scan], grade: Grade | None) -> int:
    return sum(scan.grading.grade is grade for scan in scans)
