"""Reference grades from a CSV, and their joining to a run's rows."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BY_TEXT = {text: grade for grade in Grade for text in (grade.word, str(int(grade)))}


@final
@dataclass(frozen=True)
class GradedRow:
    """A row of `grades.csv`; grade and score are None where the run gave none."""

    image: str
    grade: Grade | None
    score: float | None


def read_grades(results: Path) -> tuple[GradedRow, ...]:
    """Read the rows of a results folder.

    Raises:
        ResultsError: there is no `grades.csv`, or it is not one of ours.
    """
    path = results / "grades.csv"
    rows = _rows(path, ("image", "grade", "score"), "a results folder of `unoqa grade`")
    try:
        return tuple(
            GradedRow(
                _plain(row["image"]),
                _BY_TEXT.get(row["grade"]),
                float(row["score"]) if row["score"] else None,
            )
            for _, row in rows
        )
    except ValueError as error:
        raise ResultsError(f"{path} holds a score that is no number ({error}); grade the images again.") from error


def read_labels(path: Path) -> dict[str, Grade]:
    """Read a CSV with columns `image` and `grade` (0–2 or the words).

    Raises:
        ResultsError: the file is missing, lacks a column, names an image twice, or holds another grade.
    """
    labels: dict[str, Grade] = {}
    for line, row in _rows(path, ("image", "grade"), "a CSV with columns image,grade"):
        image, text = _posix(row["image"]), (row["grade"] or "").strip().lower()
        if text not in _BY_TEXT:
            raise ResultsError(
                f"Line {line} of {path} has grade '{row['grade']}'; use 0, 1, 2 or ungradable, gradable, outstanding."
            )
        if labels.get(image, _BY_TEXT[text]) is not _BY_TEXT[text]:
            raise ResultsError(f"Line {line} of {path} grades {image} a second time and differently; keep one line.")
        labels[image] = _BY_TEXT[text]
    return labels


def join(images: Iterable[str], labels: Mapping[str, Grade]) -> dict[str, Grade]:
    """Find each image's label: by its relative path, or by its name where that is unique.

    Raises:
        ResultsError: a name stands for several images or several labels, or nothing matches.
    """
    names = list(images)
    of_images = Counter(PurePosixPath(name).name for name in names)
    of_labels = Counter(PurePosixPath(name).name for name in labels)
    by_name = {PurePosixPath(name).name: grade for name, grade in labels.items()}
    joined: dict[str, Grade] = {}
    for name in names:
        last = PurePosixPath(name).name
        if name in labels:
            joined[name] = labels[name]
        elif last in by_name:
            if of_images[last] > 1 or of_labels[last] > 1:
                raise ResultsError(
                    f"The name {last} stands for {of_images[last]} images and {of_labels[last]} labels; write the "
                    "images' relative paths into the label file."
                )
            joined[name] = by_name[last]
    if not joined:
        raise ResultsError("No label matches an image of the results; check the label file's column 'image'.")
    return joined


def _rows(path: Path, columns: tuple[str, ...], what: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that name an image, each with its line in the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise ResultsError(f"{path} has no column {', '.join(missing)}; give {what}.")
            return [(reader.line_num, row) for row in reader if row["image"]]
    except FileNotFoundError:
        raise ResultsError(f"There is no {path}; give {what}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"{path} cannot be read as UTF-8 CSV; give {what} ({type(error).__name__}).") from error


def _plain(text: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from reading a name as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@\t\r" else text


def _posix(name: str) -> str:
    return _plain(name.strip()).replace("\\", "/").removeprefix("./")
