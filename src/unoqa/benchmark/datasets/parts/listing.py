"""Label files that must be complete: every listed image is there, and is listed once.

Stricter than `benchmark.labels`, which joins whatever a run and a label file have in common.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import Labelled
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from unoqa.formats import ImageReference

_BY_TEXT = {text: grade for grade in Grade for text in (grade.word, str(int(grade)))}


@final
@dataclass(frozen=True)
class Listed:
    """One line of a label file; device and split are empty where it names none."""

    line: int
    image: str
    grade: Grade
    device: str
    split: str

    def says(self) -> tuple[Grade, str, str]:
        """Return all that is said of the image."""
        return self.grade, self.device, self.split


@final
@dataclass(frozen=True)
class Located:
    """One line of a label file, and the image that it speaks of."""

    listed: Listed
    labelled: Labelled


def header(path: Path) -> tuple[str, ...]:
    """Return the names of a CSV's columns; none where it is not UTF-8 text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def read_listing(path: Path, columns: tuple[str, ...]) -> tuple[Listed, ...]:
    """Read a label file.

    Args:
        columns: what it must have: first the image's column, then the grade's (0–2 or the words), then others.

    Raises:
        DataSetError: it is missing, lacks a column, holds another grade, leaves a device or split out on
            some lines, or lists nothing.
    """
    image, grade, *_ = columns
    listed = [
        Listed(line, _name(row[image]), _grade(row[grade], line, path), row.get("device", ""), row.get("split", ""))
        for line, row in _rows(path, columns)
    ]
    if not listed:
        raise DataSetError(f"{path} lists no image; give a CSV with columns {','.join(columns)}.")
    for column, cells in (("device", [one.device for one in listed]), ("split", [one.split for one in listed])):
        if not all(cells) and (any(cells) or column in columns):
            line = listed[cells.index("")].line
            raise DataSetError(f"Line {line} of {path} has no {column}; name it on every line.")
    return tuple(listed)


def locate(
    listed: Sequence[Listed], images: Iterable[ImageReference], *, path: Path, root: Path
) -> tuple[Located, ...]:
    """Find each listed image by its path below `root`, or, listed by its name alone, wherever it lies.

    Args:
        images: named by their paths below `root`.
        path: the label file, for the errors' sentences.

    Raises:
        DataSetError: an image is absent, a name is that of several, or two lines differ about it.
    """
    by_path = {image.name: image for image in images}
    by_name: dict[str, list[ImageReference]] = defaultdict(list)
    for name, image in by_path.items():
        by_name[PurePosixPath(name).name].append(image)
    found: dict[str, Located] = {}
    absent: list[Listed] = []
    for one in listed:
        same = [by_path[one.image]] if one.image in by_path else by_name.get(one.image, [])
        if len(same) > 1:
            raise DataSetError(f"{_told(one, path)}, the name of {len(same)} images below {root}; write its path.")
        if not same:
            absent.append(one)
            continue
        former = found.setdefault(same[0].name, Located(one, Labelled(same[0], one.grade)))
        if former.listed.says() != one.says():
            raise DataSetError(f"{_told(one, path)} a second time and differently; keep one line.")
    if absent:
        raise DataSetError(
            f"{_told(absent[0], path)}, which is not below {root}; {len(absent)} of {len(listed)} listed images are "
            "absent: copy them there, or take out their lines."
        )
    return tuple(found.values())


def by_device(located: Iterable[Located]) -> list[tuple[str, list[Located]]]:
    """Return devices with their images in the file's order, the device with most images first."""
    devices: dict[str, list[Located]] = defaultdict(list)
    for one in located:
        devices[one.listed.device].append(one)
    return sorted(devices.items(), key=lambda item: -len(item[1]))


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that name an image, each with its line in the file."""
    what = f"a CSV with columns {','.join(columns)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise DataSetError(f"{path} has no column {', '.join(missing)}; give {what}.")
            rows = ((reader.line_num, _stripped(row)) for row in reader)
            return [(line, row) for line, row in rows if row[columns[0]]]
    except FileNotFoundError:
        raise DataSetError(f"There is no {path}; give {what}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path} cannot be read as UTF-8 CSV; give {what} ({type(error).__name__}).") from error


def _told(one: Listed, path: Path) -> str:
    return f"Line {one.line} of {path} lists {one.image}"


def _stripped(row: Mapping[str | None, str | list[str] | None]) -> dict[str, str]:
    """Return the named cells without blanks around them; a short line ends in empty ones."""
    return {name: cell.strip() if isinstance(cell, str) else "" for name, cell in row.items() if name is not None}


def _name(text: str) -> str:
    """Return a name as images are named: without backslashes, or the apostrophe that keeps it from being a formula."""
    plain = text[1:] if text[:1] == "'" and text[1:2] in "=+-@" else text
    return plain.replace("\\", "/").removeprefix("./")


def _grade(text: str, line: int, path: Path) -> Grade:
    grade = _BY_TEXT.get(text.lower())
    if grade is None:
        raise DataSetError(
            f"Line {line} of {path} has grade '{text}'; use 0, 1, 2 or ungradable, gradable, outstanding."
        )
    return grade
