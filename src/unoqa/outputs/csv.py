"""Final grades as CSV, on request (`unoqa export --as csv`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from unoqa.outputs.parts.cells import format_number, join_cells
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.final_grades import Cell, FinalGrades
from unoqa.store.files import replace_file
from unoqa.store.formulas import escape_formula

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results


@final
class Csv(Output):
    """One row per image: final grade, whose it is, the machine's and each reader's, and the trail; UTF-8."""

    file: ClassVar[str] = "final_grades.csv"
    default: ClassVar[bool] = False

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write all rows, in the order of the images, one at a time."""
        del images
        rows = FinalGrades(results)
        with replace_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            file.write(join_cells([escape_formula(name) for name in rows.columns]))
            for row in rows:
                file.write(join_cells([_format(row[name]) for name in rows.columns]))


def _format(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape_formula(cell)
    return str(cell) if isinstance(cell, int) else format_number(cell)
