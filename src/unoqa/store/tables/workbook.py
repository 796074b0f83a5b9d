"""Read the sheets of an Excel workbook as rows of text, with openpyxl (extra `tables`)."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from unoqa.core.errors import UnoqaError

SAVE_AS_CSV = "open it and save it as 'CSV UTF-8 (comma delimited)'"
"""What to do with a file that is not read: the name of the format in a spreadsheet program's dialogue."""

_ZIP_START = b"PK\x03\x04"
"""First bytes of Excel's workbooks since 2007, and of other archives."""

_OLD_START = b"\xd0\xcf\x11\xe0"
"""First bytes of Excel's workbooks before 2007, and of those with a password."""

_DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError),
    *(ValueError, zipfile.BadZipFile, zlib.error),
)
"""What openpyxl and the parsers beneath it raise for damaged workbooks (found by changing bytes of good ones)."""


@final
@dataclass(frozen=True)
class Unplain:
    """A cell that holds neither text nor a number.

    Attributes:
        what: what it holds, such as `a date`.
    """

    what: str


Cell = str | Unplain

Rows = list[tuple[int, list[Cell]]]
"""Rows, each with its number as a spreadsheet program shows it."""


def is_workbook(content: bytes) -> bool:
    """Return whether a file's content is that of a workbook or another archive, whatever the file's name is."""
    return content.startswith((_ZIP_START, _OLD_START))


def read_sheets(content: bytes, path: Path, error: type[UnoqaError]) -> dict[str, Rows]:
    """Return the rows of each sheet by its name.

    Args:
        path: where the content was read, for the error message.
        error: class of the error that is raised if the workbook cannot be read, or openpyxl is not installed.
    """
    if content.startswith(_OLD_START):
        raise error(f"{path} is an Excel workbook of an old kind, or has a password; {SAVE_AS_CSV}.")
    try:
        import openpyxl  # noqa: PLC0415 - of the extra `tables`
    except ImportError:
        raise error(
            f"{path} is an Excel workbook or another archive; {SAVE_AS_CSV}, or install what reads workbooks: "
            "pip install 'unoqa[tables]'."
        ) from None
    try:
        with warnings.catch_warnings(action="ignore"):  # of formats and extensions that have no values
            sheets = _read_cells(openpyxl, content)
    except _DAMAGE as cause:
        raise error(f"{path} is not a whole Excel workbook ({type(cause).__name__}); {SAVE_AS_CSV}.") from cause
    if not sheets:
        raise error(f"{path} has no sheet with cells; {SAVE_AS_CSV}.")
    return sheets


def _read_cells(openpyxl: Any, content: bytes) -> dict[str, Rows]:  # noqa: ANN401 - a module without types
    """Read formulas, and if there are any the values that they had when the workbook was saved."""
    formulas = _load(openpyxl, content, data_only=False)
    if not any(cell.data_type == "f" for rows in formulas.values() for row in rows for cell in row):
        values = formulas
    else:
        values = _load(openpyxl, content, data_only=True)
    return {
        sheet: [
            (line, [_to_cell(*pair) for pair in zip(row, valued, strict=True)])
            for line, (row, valued) in enumerate(zip(rows, values[sheet], strict=True), 1)
        ]
        for sheet, rows in formulas.items()
    }


def _load(openpyxl: Any, content: bytes, *, data_only: bool) -> dict[str, list[Sequence[Any]]]:  # noqa: ANN401 - too
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some programs write a size that leaves out rows
    return {sheet.title: [*sheet.iter_rows()] for sheet in book.worksheets}


def _to_cell(cell: Any, valued: Any) -> Cell:  # noqa: ANN401 - cells of openpyxl
    """Return the text of a cell.

    Args:
        cell: with its formula, if it has one.
        valued: the same cell with its value.
    """
    if cell.data_type == "f" and valued.value is None:
        return Unplain("a formula without a value")
    if valued.value is None:
        return ""
    if valued.data_type == "e":
        return Unplain(f"the error {valued.value}")
    if valued.data_type == "d":
        return Unplain("a date")
    return str(valued.value)
