"""Label files that must be complete: every listed image exists, and is listed once.

Stricter than `benchmark.labels`, which joins the images that a run and a label file have in common.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import LabelledImage
from unoqa.benchmark.parts.grade_cells import parse_grade
from unoqa.benchmark.parts.names import NameIndex, fold_name, parse_image_name
from unoqa.core.errors import DataSetError
from unoqa.store.tables.rows import read_rows

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


@final
@dataclass(frozen=True)
class LabelTable:
    """The lines of a label file.

    Attributes:
        rows: those with a grade.
        rows_without_grade: number of lines that name an image and no grade.
    """

    rows: tuple[LabelRow, ...]
    rows_without_grade: int = 0


def read_label_file(path: Path, columns: tuple[str, ...]) -> LabelTable:
    """Read a label file.

    Args:
        columns: required columns: first the image's, then the grade's (0–2, the words or blank), then others.

    Raises:
        DataSetError: the file is missing or no plain table, lacks a column, has another grade, names a device or split
            on some lines only, or grades nothing.
    """
    image, grade, *_ = columns
    what = f"a CSV with columns {','.join(columns)}"
    lines = read_rows(path, columns, what, DataSetError, optional=("device", "split"))
    rows = [
        LabelRow(
            line,
            parse_image_name(row[image]),
            parse_grade(row[grade], line, path, DataSetError),
            row.get("device", "").strip(),
            row.get("split", "").strip(),
        )
        for line, row in lines
        if row[grade].strip()
    ]
    if not rows:
        raise DataSetError(f"{path} {'grades' if lines else 'lists'} no image; give {what}.")
    for column, cells in (("device", [row.device for row in rows]), ("split", [row.split for row in rows])):
        if not all(cells) and (any(cells) or column in columns):
            line = rows[cells.index("")].line
            raise DataSetError(f"Line {line} of {path} has no {column}; name it on every line.")
    return LabelTable(tuple(rows), len(lines) - len(rows))


def match_images(
    rows: Sequence[LabelRow], images: Iterable[ImageReference], *, path: Path, root: Path
) -> tuple[MatchedRow, ...]:
    """Find each listed image: by its path below `root`, or by its file name alone, in any folder.

    Names may differ in Unicode form and, if no image has the very name, in case.

    Args:
        images: the images that exist, named by their paths below `root`.
        path: the label file, for the error messages.

    Raises:
        DataSetError: an image is missing, a file name stands for several images, or two lines about one image differ.
    """
    by_path = {image.name: image for image in images}
    index = NameIndex(by_path)
    matched: dict[str, MatchedRow] = {}
    missing: list[LabelRow] = []
    for row in rows:
        candidates = index.find(row.image)
        if len(candidates) > 1:
            alike = len({fold_name(name) for name in candidates}) < len(candidates)
            raise DataSetError(
                f"{_describe_row(row, path)}, the name of {len(candidates)} images below {root}; "
                f"{'write it exactly, or rename one of them' if alike else 'write its path'}."
            )
        if not candidates:
            missing.append(row)
            continue
        image = by_path[candidates[0]]
        earlier = matched.setdefault(image.name, MatchedRow(row, LabelledImage(image, row.grade)))
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
