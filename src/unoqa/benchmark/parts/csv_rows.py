"""Tables of images and grades in CSV, as people and spreadsheets write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from unoqa.core.grading import Grade
from unoqa.outputs.grades_csv import FORMULA_STARTS

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.errors import UnoqaError

_BY_TEXT = {text: grade for grade in Grade for text in (grade.word, str(int(grade)))}


def read_rows(
    path: Path, columns: tuple[str, ...], what: str, error: type[UnoqaError]
) -> list[tuple[int, dict[str, str]]]:
    """Return the rows whose first of `columns` is not blank, each with its line in the file.

    Args:
        columns: what the file must have.
        what: how to say what should have been given.
        error: the class to raise: the file is missing, not UTF-8 text, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                header = ",".join(reader.fieldnames or ())
                semicolons = " (its columns are separated by semicolons)" if ";" in header else ""
                raise error(f"{path} has no column {', '.join(missing)}{semicolons}; give {what}.")
            rows = ((reader.line_num, _cells(row)) for row in reader)
            return [(line, row) for line, row in rows if row[columns[0]].strip()]
    except FileNotFoundError:
        raise error(f"There is no {path}; give {what}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as found:
        raise error(f"{path} cannot be read as UTF-8 CSV; give {what} ({type(found).__name__}).") from found


def grade_of(cell: str, line: int, path: Path, error: type[UnoqaError]) -> Grade:
    """Read a grade: 0–2 or the words, in any case; anything else raises `error`."""
    grade = _BY_TEXT.get(cell.strip().lower())
    if grade is None:
        raise error(
            f"Line {line} of {path} has grade '{cell.strip()}'; use 0, 1, 2 or ungradable, gradable, outstanding."
        )
    return grade


def plain(cell: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from reading a name as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def image_name(cell: str) -> str:
    """Return a name that stands in a cell."""
    return as_written(plain(cell.strip()))


def as_written(name: str) -> str:
    """Return a name as one that somebody wrote is read: without blanks around it, and without backslashes."""
    return name.strip().replace("\\", "/").removeprefix("./")


def _cells(row: dict[str | None, str | list[str] | None]) -> dict[str, str]:
    """Return the named cells; a short line ends in empty ones."""
    return {name: cell if isinstance(cell, str) else "" for name, cell in row.items() if name is not None}
