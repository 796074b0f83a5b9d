"""Label files that must be complete: every listed image exists, and is listed once.

Stricter than `benchmark.labels`, which joins the images that a run and a label file have in common.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import LabelledImage
from unoqa.benchmark.parts.csv_rows import parse_grade, parse_image_name, read_rows
from unoqa.core.errors import DataSetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from unoqa.core.grading import Grade
    from unoqa.formats import ImageReference


@final
@dataclass(frozen=True)
class LabelRow:
    """One line of a label file; device and split are empty if the file has no such column."""

    line: int
    image: str
    grade: Grade
    device: str
    split: str

    @property
    def label(self) -> tuple[Grade, str, str]:
        """What the line says about the image."""
        return self.grade, self.device, self.split


@final
@dataclass(frozen=True)
class MatchedRow:
    """One line of a label file, and the image that it lists."""

    row: LabelRow
    image: LabelledImage


def read_header(path: Path) -> tuple[str, ...]:
    """Return the names of a CSV's columns; none if the file is not UTF-8 text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def read_label_file(path: Path, columns: tuple[str, ...]) -> tuple[LabelRow, ...]:
    """Read a label file.

    Args:
        columns: required columns: first the image's, then the grade's (0–2 or the words), then others.

    Raises:
        DataSetError: the file is missing, lacks a column, has another grade, names a device or split on some lines
            only, or lists nothing.
    """
    image, grade, *_ = columns
    rows = [
        LabelRow(
            line,
            parse_image_name(row[image]),
            parse_grade(row[grade], line, path, DataSetError),
            row.get("device", "").strip(),
            row.get("split", "").strip(),
        )
        for line, row in read_rows(path, columns, f"a CSV with columns {','.join(columns)}", DataSetError)
    ]
    if not rows:
        raise DataSetError(f"{path} lists no image; give a CSV with columns {','.join(columns)}.")
    for column, cells in (("device", [row.device for row in rows]), ("split", [row.split for row in rows])):
        if not all(cells) and (any(cells) or column in columns):
            line = rows[cells.index("")].line
            raise DataSetError(f"Line {line} of {path} has no {column}; name it on every line.")
    return tuple(rows)


def match_images(
    rows: Sequence[LabelRow], images: Iterable[ImageReference], *, path: Path, root: Path
) -> tuple[MatchedRow, ...]:
    """Find each listed image: by its path below `root`, or by its file name alone, in any folder.

    Args:
        images: the images that exist, named by their paths below `root`.
        path: the label file, for the error messages.

    Raises:
        DataSetError: an image is missing, a file name stands for several images, or two lines about one image differ.
    """
    by_path = {image.name: image for image in images}
    by_file_name: dict[str, list[ImageReference]] = defaultdict(list)
    for name, image in by_path.items():
        by_file_name[PurePosixPath(name).name].append(image)
    matched: dict[str, MatchedRow] = {}
    missing: list[LabelRow] = []
    for row in rows:
        candidates = [by_path[row.image]] if row.image in by_path else by_file_name.get(row.image, [])
        if len(candidates) > 1:
            raise DataSetError(
                f"{_describe_row(row, path)}, the name of {len(candidates)} images below {root}; write its path."
            )
        if not candidates:
            missing.append(row)
            continue
        earlier = matched.setdefault(candidates[0].name, MatchedRow(row, LabelledImage(candidates[0], row.grade)))
        if earlier.row.label != row.label:
            raise DataSetError(f"{_describe_row(row, path)} again, with a different label; keep one line.")
    if missing:
        raise DataSetError(
            f"{_describe_row(missing[0], path)}, which is not below {root}; {len(missing)} of {len(rows)} listed "
            "images are missing: copy them there, or delete their lines."
        )
    return tuple(matched.values())


def group_by_device(matched: Iterable[MatchedRow]) -> list[tuple[str, list[MatchedRow]]]:
    """Return the devices with their images in the file's order; the device with the most images comes first."""
    devices: dict[str, list[MatchedRow]] = defaultdict(list)
    for match in matched:
        devices[match.row.device].append(match)
    return sorted(devices.items(), key=lambda item: -len(item[1]))


def _describe_row(row: LabelRow, path: Path) -> str:
    return f"Line {row.line} of {path} lists {row.image}"
