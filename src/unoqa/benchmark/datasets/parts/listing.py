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
from unoqa.benchmark.parts.csv_rows import grade_of, image_name, read_rows
from unoqa.core.errors import DataSetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from unoqa.core.grading import Grade
    from unoqa.formats import ImageReference


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
        Listed(
            line,
            image_name(row[image]),
            grade_of(row[grade], line, path, DataSetError),
            row.get("device", "").strip(),
            row.get("split", "").strip(),
        )
        for line, row in read_rows(path, columns, f"a CSV with columns {','.join(columns)}", DataSetError)
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


def _told(one: Listed, path: Path) -> str:
    return f"Line {one.line} of {path} lists {one.image}"
