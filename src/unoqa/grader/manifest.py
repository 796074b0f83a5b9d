"""A manifest: a table that names image files, and what is known of each beside its pixels.

Its one necessary column is `path`. The others are optional and may be blank in any row: eye, session, patient, site,
date, device, field of view and slab. Paths are relative to the folder of the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.core.facts import DECLARED, Fact, Facts
from unoqa.store.tables.rows import read_header, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIXES = (".csv", ".tsv", ".xlsx")
"""Endings of the names of tables; no image has one."""

PATH = ("path", "file", "image", "filename")
"""Names of the column of paths; the first that a table has counts."""

COLUMNS = {
    "eye": "laterality",
    "laterality": "laterality",
    "session": "session",
    "visit": "session",
    "patient": "patient",
    "patient_id": "patient",
    "subject": "patient",
    "site": "site",
    "date": "acquired",
    "device": "device",
    "field of view": "field_of_view",
    "field_of_view": "field_of_view",
    "fov": "field_of_view",
    "slab": "slab",
}
"""The fact that each column states."""

EYES = {
    **dict.fromkeys(("od", "r", "re", "right", "right eye"), "right"),
    **dict.fromkeys(("os", "l", "le", "left", "left eye"), "left"),
}

SLABS = {
    **dict.fromkeys(("svp", "svc", "scp", "superficial"), "superficial"),
    **dict.fromkeys(("icp", "intermediate"), "intermediate"),
    **dict.fromkeys(("dvp", "dvc", "dcp", "deep"), "deep"),
}
"""Names of the plexuses; other slabs keep the words of the table."""

WHAT = "a table with a column path (and any of eye, session, patient, site, date, device, field of view, slab)"


@final
@dataclass(frozen=True)
class Manifest:
    """The rows of a manifest.

    Attributes:
        folder: of the table; relative paths start there.
        files: the facts of each file, in the order of the rows.
        unused: names of columns that state no fact.
    """

    folder: Path
    files: Mapping[Path, Facts]
    unused: tuple[str, ...]

    def describe_unused(self) -> tuple[str, ...]:
        """Return a sentence about columns that are not used; none if all are."""
        if not self.unused:
            return ()
        return (f"Columns of the manifest that are not used: {', '.join(self.unused)}; known are those of {WHAT}.",)


def is_manifest(path: Path) -> bool:
    """Tell whether a path that a user gives as images is that of a table."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        UsageError: it is no plain table, has no column of paths, names a file twice, states a fact in two columns, or
            has an eye or a field of view that is none.
    """
    header = next((found for name in PATH if (found := read_header(path, (name,)))), ())
    column = next((name for name in PATH if name in header), PATH[0])
    known = tuple(name for name in header if name in COLUMNS)
    _check_columns(known, path)
    files: dict[Path, Facts] = {}
    lines: dict[Path, int] = {}
    for line, row in read_rows(path, (column,), WHAT, UsageError, optional=known):
        where = f"Line {line} of {path}"
        file = path.parent / row.pop(column).strip()
        if file in files:
            raise UsageError(f"{where} names {file.name} again, after line {lines[file]}; delete one of the two.")
        files[file], lines[file] = _parse_facts(row, where), line
    if not files:
        raise UsageError(f"{path} names no image; give {WHAT}.")
    unused = tuple(name for name in header if name and name != column and name not in COLUMNS)
    return Manifest(path.parent, files, unused)


def _check_columns(known: tuple[str, ...], path: Path) -> None:
    facts = [COLUMNS[name] for name in known]
    for fact in facts:
        if facts.count(fact) > 1:
            same = " and ".join(name for name in known if COLUMNS[name] == fact)
            raise UsageError(f"{path} has the columns {same}, which mean the same; delete all but one.")


def _parse_facts(row: Mapping[str, str], where: str) -> Facts:
    values = {COLUMNS[name]: cell.strip() for name, cell in row.items() if cell.strip()}
    parse = {"laterality": _parse_eye, "field_of_view": _parse_field, "slab": _parse_slab}
    found = {key: parse[key](value, where) if key in parse else value for key, value in values.items()}
    return Facts(**{key: Fact(value, DECLARED) for key, value in found.items()})


def _parse_eye(cell: str, where: str) -> str:
    if (eye := EYES.get(cell.lower())) is None:
        raise UsageError(f"{where} has the eye '{cell}'; write OD or right, OS or left.")
    return eye


def _parse_field(cell: str, where: str) -> str:
    """Return width × height in millimetres; of a square, one side may be given."""
    match = re.fullmatch(r"(\d+(?:[.,]\d+)?)(?:\s*(?:mm)?\s*[x×*]\s*(\d+(?:[.,]\d+)?))?\s*(?:mm²?)?", cell.lower())
    if match is None:
        raise UsageError(f"{where} has the field of view '{cell}'; write its sides in millimetres, such as 6 x 6.")
    sides = [float(side.replace(",", ".")) for side in (match[1], match[2] or match[1])]
    return " × ".join(f"{side:g}" for side in sides)


def _parse_slab(cell: str, where: str) -> str:
    del where
    return SLABS.get(cell.lower(), cell.lower())
