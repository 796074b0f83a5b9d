"""Final grades as an Excel workbook, on request (`unoqa export --as xlsx`)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.core.errors import ResultsError, UsageError
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.final_grades import FinalGrades
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results

MAX_ROWS = 1_048_576
"""Rows of a sheet, the header included."""

MAX_CHARACTERS = 32_767
"""Characters of a cell; a longer trail ends in an ellipsis, and the CSV has it whole."""

MADE = datetime(2000, 1, 1)
"""When the workbook says it was made, so that the same record gives the same bytes; XlsxWriter wants no zone."""


@final
class Xlsx(Output):
    """The rows of `csv`, with numbers as numbers and text that is never a formula (extra `tables`)."""

    file: ClassVar[str] = "final_grades.xlsx"
    default: ClassVar[bool] = False

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write one sheet, row by row.

        Raises:
            ResultsError: there are more images than a sheet has rows.
            UsageError: XlsxWriter is not installed.
        """
        del images
        try:
            import xlsxwriter  # noqa: PLC0415 - of the extra `tables`
        except ImportError:
            raise UsageError("Excel workbooks need XlsxWriter: pip install 'unoqa[tables]'.") from None
        if len(results) >= MAX_ROWS:
            raise ResultsError(f"{results.folder} has more images than a sheet has rows ({MAX_ROWS - 1}); export csv.")
        rows = FinalGrades(results)
        with replace_file(path) as fresh, xlsxwriter.Workbook(str(fresh), {"constant_memory": True}) as book:
            book.set_properties({"created": MADE})
            sheet = book.add_worksheet("grades")
            sheet.freeze_panes(1, 1)
            sheet.set_column(0, 0, 32)
            for column, name in enumerate(rows.columns):
                sheet.write_string(0, column, name)
            for number, row in enumerate(rows, start=1):
                for column, name in enumerate(rows.columns):
                    cell = row[name]
                    if isinstance(cell, str):
                        sheet.write_string(number, column, _shorten(cell))
                    elif cell is not None:
                        sheet.write_number(number, column, cell)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
