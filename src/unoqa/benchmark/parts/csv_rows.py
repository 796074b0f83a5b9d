"""Read tables of images and grades in CSV, as people and spreadsheets write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from unoqa.core.grading import Grade
from unoqa.outputs.grades_csv import FORMULA_STARTS

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.errors import UnoqaError

_GRADES = {text: grade for grade in Grade for text in (grade.word, str(int(grade)))}


def read_rows(
    path: Path, columns: tuple[str, ...], what: str, error: type[UnoqaError]
) -> list[tuple[int, dict[str, str]]]:
    """Return the rows whose first of `columns` is not blank, each with its line number in the file.

    Args:
        columns: columns that the file must have.
        what: the expected input in words, for the error message.
        error: class of the error that is raised if the file is missing, is not UTF-8 text, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                header = ",".join(reader.fieldnames or ())
                semicolons = " (its columns are separated by semicolons)" if ";" in header else ""
                raise error(f"{path} has no column {', '.join(missing)}{semicolons}; give {what}.")
            rows = ((reader.line_num, _fill_cells(row)) for row in reader)
            return [(line, row) for line, row in rows if row[columns[0]].strip()]
    except FileNotFoundError:
        raise error(f"There is no {path}; give {what}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        raise error(f"{path} cannot be read as UTF-8 CSV; give {what} ({type(cause).__name__}).") from cause


def parse_grade(cell: str, line: int, path: Path, error: type[UnoqaError]) -> Grade:
    """Parse a grade: 0–2 or the words, in any case; any other text raises `error`."""
    grade = _GRADES.get(cell.strip().lower())
    if grade is None:
        raise error(
            f"Line {line} of {path} has grade '{cell.strip()}'; use 0, 1, 2 or ungradable, gradable, outstanding."
        )
    return grade


def strip_apostrophe(cell: str) -> str:
    """Remove the apostrophe that stops a spreadsheet from reading a name as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def parse_image_name(cell: str) -> str:
    """Return the image name in a cell, normalised."""
    return normalise_name(strip_apostrophe(cell.strip()))


def normalise_name(name: str) -> str:
    """Return an image name without blanks around it, without `./` in front, and with slashes for backslashes."""
    return name.strip().replace("\\", "/").removeprefix("./")


def _fill_cells(row: dict[str | None, str | list[str] | None]) -> dict[str, str]:
    """Return the cells by column; cells that a short line lacks are empty."""
    return {name: cell if isinstance(cell, str) else "" for name, cell in row.items() if name is not None}
