"""Parse a file of text as a table: commas, semicolons or tabs; UTF-8, or UTF-16 with its mark."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from unoqa.store.tables.workbook import SAVE_AS_CSV

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from unoqa.core.errors import UnoqaError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
"""What may separate the cells of a row, and its name."""

_ENCODINGS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Encodings by the byte order mark before the text."""


def decode(content: bytes, path: Path, error: type[UnoqaError], *, errors: str = "strict") -> str:
    """Return the text of a file.

    Args:
        path: where the content was read, for the error message.
        error: class of the error that is raised if the content is no text.
        errors: what to do with bytes that are no text, as for `bytes.decode`.
    """
    mark = next((mark for mark in _ENCODINGS if content.startswith(mark)), b"")
    content, encoding = content.removeprefix(mark), _ENCODINGS.get(mark, "utf-8")
    try:
        text = content.decode(encoding, errors)
    except UnicodeDecodeError as cause:
        line = content[: cause.start].decode(encoding).count("\n") + 1
        name = encoding.removesuffix("-le").removesuffix("-be").upper()
        raise error(f"Line {line} of {path} is not text in {name}; {SAVE_AS_CSV}.") from cause
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise error(f"Line {line} of {path} is not text in UTF-8; {SAVE_AS_CSV}.")
    return text


def parse_lines(text: str, separator: str, path: Path, error: type[UnoqaError]) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row with the number of its first line; a wrong quotation mark raises `error`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as cause:
        raise error(f'Line {line} of {path} is not plain CSV ({cause}); correct its quotation marks (").') from cause


def check_widths(
    rows: Iterable[tuple[int, list[str]]], width: int, separator: str, path: Path, error: type[UnoqaError]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows; raise `error` if one has cells that no column has, or if another separator divides it.

    Args:
        width: number of columns.
    """
    others = [other for other in SEPARATORS if other != separator]
    for line, cells in rows:
        undivided = len(cells) == 1 < width and any(other in cells[0] for other in others)
        if undivided or any(cell.strip() for cell in cells[width:]):
            name = SEPARATORS[separator]
            raise error(
                f"Line {line} of {path} has {len(cells)} cell{'' if undivided else 's'} below a header of {width}; "
                f"separate its cells by a {name}, and put quotation marks around a cell that contains one."
            )
        yield line, cells
