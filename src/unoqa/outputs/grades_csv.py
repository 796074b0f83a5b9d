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
"""First characters that a spreadsheet reads as a formula; such text gets an apostrophe before it."""


@final
class GradesCsv(Output):
    """UTF-8, comma-separated; nothing in it changes from run to run."""

    def each(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write nothing yet: a grade may depend on the cohort."""
        del folder, image, heat

    def finish(self, folder: Path, record: RunRecord) -> None:
        """Write all rows."""
        rows = [COLUMNS, *map(_row, record.gradings)]
        write_text(folder / "grades.csv", "".join(map(_line, rows)))


def _line(cells: tuple[str, ...]) -> str:
    """Join cells; Python before 3.13 quotes a carriage return in a name only where lines end in one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _row(grading: Grading) -> tuple[str, ...]:
    grade = grading.grade
    return (
        _harmless(grading.image),
        "" if grade is None else grade.word,
        "" if grade is None else str(int(grade)),
        _number(grading.score),
        _number(grading.threshold),
        _number(grading.certainty),
        _harmless("; ".join(grading.reasons)),
        _harmless(grading.error),
    )


def _number(value: float | None) -> str:
    """Write six decimals: enough to order images, and the same on every system."""
    return "" if value is None else f"{value:.6f}"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
