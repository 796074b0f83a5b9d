"""`grades.csv`: one row per image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from unoqa.outputs.parts.cells import format_number, join_cells
from unoqa.outputs.parts.contract import Output
from unoqa.store.files import replace_file
from unoqa.store.formulas import escape_formula
from unoqa.store.results.eyes import has_eyes, iterate_eyes

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.grading import Grading
    from unoqa.store.results import Results
    from unoqa.store.results.eyes import EyeScan

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

EYE_COLUMNS = ("eye", "session", "best_of_eye")
"""Further columns at the end, only where a manifest names eyes and sessions."""


@final
class GradesCsv(Output):
    """UTF-8, comma-separated; the same record gives the same bytes."""

    file: ClassVar[str] = "grades.csv"

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write all rows, in the order of the images, one at a time."""
        del images
        with replace_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            if not has_eyes(results):
                file.write(join_cells(COLUMNS))
                file.writelines(join_cells(_make_row(grading)) for grading in results.iterate())
                return
            file.write(join_cells((*COLUMNS, *EYE_COLUMNS)))
            for grading, eye in zip(results.iterate(), iterate_eyes(results), strict=True):
                file.write(join_cells((*_make_row(grading), *_make_eye_cells(eye))))


def _make_row(grading: Grading) -> tuple[str, ...]:
    grade = grading.grade
    return (
        escape_formula(grading.image),
        "" if grade is None else grade.word,
        "" if grade is None else str(int(grade)),
        format_number(grading.score),
        format_number(grading.threshold),
        format_number(grading.certainty),
        escape_formula("; ".join(grading.reasons)),
        escape_formula(grading.error),
        format_number(grading.percentile),
        grading.out_of_scope,
    )


def _make_eye_cells(eye: EyeScan | None) -> tuple[str, ...]:
    return ("", "", "") if eye is None else (eye.eye, escape_formula(eye.session), "yes" if eye.best else "no")
