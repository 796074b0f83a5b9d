"""`grades.csv`: one row per image."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.outputs.parts.contract import Output
from unoqa.store.files import replace_file
from unoqa.store.formulas import escape_formula

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.grading import Grading
    from unoqa.store.results import Results

COLUMNS = (
    "image",
    "grade",
    "grade_code",
    "score",
    "threshold",
    "certainty",
    "reasons",
    "error",
    "percentile",
    "out_of_scope",
)


@final
class GradesCsv(Output):
    """UTF-8, comma-separated; the same record gives the same bytes."""

    file: ClassVar[str] = "grades.csv"

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write all rows, in the order of the images, one at a time."""
        del images
        with replace_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            file.write(_join_cells(COLUMNS))
            for grading in results.iterate():
                file.write(_join_cells(_make_row(grading)))


def _join_cells(cells: tuple[str, ...]) -> str:
    """Write cells as one line; before 3.13, Python quotes a carriage return only if the line ends contain one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _make_row(grading: Grading) -> tuple[str, ...]:
    grade = grading.grade
    return (
        escape_formula(grading.image),
        "" if grade is None else grade.word,
        "" if grade is None else str(int(grade)),
        _format_number(grading.score),
        _format_number(grading.threshold),
        _format_number(grading.certainty),
        escape_formula("; ".join(grading.reasons)),
        escape_formula(grading.error),
        _format_number(grading.percentile),
        grading.out_of_scope,
    )


def _format_number(value: float | None) -> str:
    """Return the value with six decimals: enough to order images, and the same on every system."""
    return "" if value is None else f"{value:.6f}"
