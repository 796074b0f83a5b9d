"""Read tables of images as people and spreadsheet programs save them: CSV, or Excel workbooks.

What is plain is read, with the names of columns in any case. Anything else is refused with its line, so that no row is
lost and none is read as what it does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unoqa.core.errors import DataSetError, UnoqaError
from unoqa.store.tables.text import SEPARATORS, check_widths, decode, parse_lines
from unoqa.store.tables.workbook import Cell, Unplain, is_workbook, read_sheets

if TYPE_CHECKING:
    from collections.abc import Mapping

Header = tuple[str, ...]
"""The names of columns, in small letters."""

Rows = Iterable[tuple[int, Sequence[Cell]]]
"""The cells of rows, each with its number in the file."""


def read_rows(
    path: Path, columns: Header, what: str, error: type[UnoqaError], *, optional: Header = ()
) -> list[tuple[int, dict[str, str]]]:
    """Return the cells of each row by column, with the row's number in the file; blank rows are left out.

    Args:
        columns: columns that the file must have, in small letters: first the one that names the image. The file may
            write them in any case and with blanks around them.
        what: the expected input in words, for the error message.
        error: class of the error that is raised if the file is missing, cannot be read, lacks a column or has it
            twice, or if a row is not plain: more cells than columns, or another cell but no image.
        optional: columns that the file may have; rows have no cell of a column that it lacks.
    """
    header, lines = _read_table(path, columns, what, error)
    missing = _list_missing(header, columns)
    if missing:
        raise error(f"{path} has no column {', '.join(missing)}; give {what}.")
    places = _find_places(header, (*columns, *optional), path, error)
    rows: list[tuple[int, dict[str, str]]] = []
    for line, cells in lines:
        where = f"Line {line} of {path}"
        row = {name: _get_text(cells, place, f"{where}, column {name},", error) for name, place in places.items()}
        if row[columns[0]].strip():
            rows.append((line, row))
        elif rest := [(name, cell.strip()) for name, cell in row.items() if cell.strip()]:
            name, cell = rest[0]
            raise error(f"{where} has the {name} '{cell}' and no {columns[0]}; name it, or delete the line.")
    return rows


def read_header(path: Path, columns: Header) -> Header:
    """Return the names of a table's columns, in small letters, if all of `columns` are among them; else none.

    The rows may be such that `read_rows` refuses them.
    """
    try:
        content = _read_content(path, "", DataSetError)
        if is_workbook(content):
            headers = [_split_header(rows)[0] for rows in read_sheets(content, path, DataSetError).values()]
        else:
            headers = [*_find_headers(decode(content, path, DataSetError, errors="replace")).values()]
    except DataSetError:
        return ()
    return next((header for header in headers if not _list_missing(header, columns)), ())


def _read_content(path: Path, what: str, error: type[UnoqaError]) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise error(f"There is no {path}; give {what}.") from None
    except OSError as cause:
        raise error(f"{path} cannot be read ({cause.strerror}); give {what}.") from cause


def _read_table(path: Path, columns: Header, what: str, error: type[UnoqaError]) -> tuple[Header, Rows]:
    """Return the header of the table that lacks the fewest columns, and the rows below it."""
    content = _read_content(path, what, error)
    if is_workbook(content):
        sheets = read_sheets(content, path, error)
        sheet = _choose_sheet({name: _split_header(rows)[0] for name, rows in sheets.items()}, columns, path, error)
        return _split_header(sheets[sheet])
    text = decode(content, path, error)
    headers = _find_headers(text)
    separator = _choose_nearest(headers, columns)
    lines = parse_lines(text, separator, path, error)
    return _split_header(check_widths(lines, len(headers[separator]), separator, path, error))


def _find_headers(text: str) -> dict[str, Header]:
    """Return the header as each separator divides it; quotation marks may rule out some."""
    headers: dict[str, Header] = {}
    for separator in SEPARATORS:
        try:
            headers[separator] = _split_header(parse_lines(text, separator, Path(), DataSetError))[0]
        except DataSetError:
            headers[separator] = ()
    return headers


def _split_header(rows: Rows) -> tuple[Header, Rows]:
    """Return the names in the first row that is not blank, in small letters, and the rows below it."""
    remaining = iter(rows)
    cells = next((cells for _, cells in remaining if any(map(_normalise_column, cells))), ())
    return tuple(map(_normalise_column, cells)), remaining


def _normalise_column(cell: Cell) -> str:
    """Return the name of a column in small letters and without surplus blanks."""
    return " ".join(cell.split()).lower() if isinstance(cell, str) else cell.what


def _choose_nearest(headers: Mapping[str, Header], columns: Header) -> str:
    """Return the key of the header that lacks the fewest columns."""
    return min(headers, key=lambda name: len(_list_missing(headers[name], columns)))


def _choose_sheet(headers: Mapping[str, Header], columns: Header, path: Path, error: type[UnoqaError]) -> str:
    """Return the name of the one sheet that has the columns, or else of the one that lacks the fewest."""
    found = [name for name, header in headers.items() if not _list_missing(header, columns)]
    if len(found) > 1:
        raise error(
            f"{path} has {len(found)} sheets with columns {','.join(columns)} ({', '.join(found)}); keep one of them."
        )
    return _choose_nearest(headers, columns)


def _list_missing(header: Header, columns: Header) -> list[str]:
    return [column for column in columns if column not in header]


def _find_places(header: Header, columns: Header, path: Path, error: type[UnoqaError]) -> dict[str, int]:
    """Return the place of each column that the header has; equal names raise `error`."""
    for column in columns:
        count = header.count(column)
        if count > 1:
            raise error(f"{path} has {count} columns named '{column}'; rename or delete all but one.")
    return {column: header.index(column) for column in columns if column in header}


def _get_text(cells: Sequence[Cell], place: int, where: str, error: type[UnoqaError]) -> str:
    """Return the text of a cell; one that a short row lacks is empty.

    Args:
        where: row and column in words, for the error message.
    """
    cell = cells[place] if place < len(cells) else ""
    if isinstance(cell, Unplain):
        raise error(f"{where} holds {cell.what}; write text there, or a number.")
    return cell
