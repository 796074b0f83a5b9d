"""Cells of tables that hold grades."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.errors import UnoqaError

_GRADES = {text: grade for grade in Grade for text in (grade.word, str(int(grade)))}


def parse_grade(cell: str, line: int, path: Path, error: type[UnoqaError]) -> Grade:
    """Parse a grade: 0–2, also as `2.0` or `2,0`, or the words, in any case; any other text raises `error`."""
    grade = _GRADES.get(re.sub(r"^(\d)[.,]0+$", r"\1", cell.strip().lower()))
    if grade is None:
        raise error(
            f"Line {line} of {path} has grade '{cell.strip()}'; use 0, 1, 2 or ungradable, gradable, outstanding."
        )
    return grade


def describe_left_out(count: int) -> str:
    """Return one sentence about rows without a grade; an empty one if there are none."""
    rows, were = ("row", "was") if count == 1 else ("rows", "were")
    return f"{count} {rows} without a grade {were} left out." if count else ""
