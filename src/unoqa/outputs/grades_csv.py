"""`grades.csv`: one row per image."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, final

from unoqa.core.contracts import Output
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from unoqa.core.grading import Grading, RunRecord
    from unoqa.core.image import EnfaceImage

COLUMNS = ("image", "grade", "grade_code", "score", "threshold", "certainty", "reasons", "error")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet read a cell as a formula; an apostrophe before them prevents it."""


@final
class GradesCsv(Output):
    """UTF-8, comma-separated; the same run writes the same bytes."""

    def write_image(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write nothing: a grade may depend on the whole cohort."""
        del folder, image, heat

    def write_run(self, folder: Path, record: RunRecord) -> None:
        """Write all rows, in the order of the images."""
        rows = [COLUMNS, *map(_make_row, record.gradings)]
        write_text(folder / "grades.csv", "".join(map(_join_cells, rows)))


def _join_cells(cells: tuple[str, ...]) -> str:
    """Write cells as one line; before 3.13, Python quotes a carriage return only if the line ends contain one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _make_row(grading: Grading) -> tuple[str, ...]:
    grade = grading.grade
    return (
        _escape_formula(grading.image),
        "" if grade is None else grade.word,
        "" if grade is None else str(int(grade)),
        _format_number(grading.score),
        _format_number(grading.threshold),
        _format_number(grading.certainty),
        _escape_formula("; ".join(grading.reasons)),
        _escape_formula(grading.error),
    )


def _format_number(value: float | None) -> str:
    """Return the value with six decimals: enough to order images, and the same on every system."""
    return "" if value is None else f"{value:.6f}"


def _escape_formula(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
