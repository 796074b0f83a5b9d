"""Read reference grades (labels) from a CSV, and join them to the images of a run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.benchmark.parts.csv_rows import normalise_name, parse_grade, parse_image_name, read_rows, strip_apostrophe
from unoqa.core.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from unoqa.core.grading import Grade


@final
@dataclass(frozen=True)
class GradedRow:
    """One row of `grades.csv`; grade and score are None where the run gave none."""

    image: str
    grade: Grade | None
    score: float | None


def read_grades(results: Path) -> tuple[GradedRow, ...]:
    """Read the rows of `grades.csv` in a results folder.

    Raises:
        ResultsError: there is no `grades.csv`, or `unoqa grade` did not write it.
    """
    path = results / "grades.csv"
    rows = read_rows(path, ("image", "grade", "score"), "a results folder of `unoqa grade`", ResultsError)
    return tuple(_parse_row(row, line, path) for line, row in rows)


def read_labels(path: Path) -> dict[str, Grade]:
    """Read a CSV with columns `image` and `grade` (0–2 or the words).

    Raises:
        ResultsError: the file is missing, lacks a column, gives an image two grades, or has an unknown grade.
    """
    labels: dict[str, Grade] = {}
    for line, row in read_rows(path, ("image", "grade"), "a CSV with columns image,grade", ResultsError):
        image, grade = parse_image_name(row["image"]), parse_grade(row["grade"], line, path, ResultsError)
        if labels.setdefault(image, grade) is not grade:
            raise ResultsError(f"Line {line} of {path} gives {image} a second, different grade; keep one line.")
    return labels


def join_labels(images: Iterable[str], labels: Mapping[str, Grade]) -> dict[str, Grade]:
    """Find the label of each image: by its relative path, or else by its file name if that is unique.

    Once one path matches, a label with another path is taken to mean another image, even if the file names are equal.

    Raises:
        ResultsError: a file name stands for several images or several labels, or no label matches.
    """
    path_of = {name: normalise_name(name) for name in images}
    names = list(path_of)
    joined = {name: labels[path_of[name]] for name in names if path_of[name] in labels}
    used = {path_of[name] for name in joined}
    unmatched = [name for name in names if name not in joined]
    unused = [name for name in labels if name not in used and (not joined or "/" not in name)]
    image_counts, label_counts = (
        Counter(map(_file_name, paths)) for paths in ([path_of[name] for name in unmatched], unused)
    )
    by_file_name = {_file_name(name): labels[name] for name in unused}
    for name in unmatched:
        file_name = _file_name(path_of[name])
        if file_name not in by_file_name:
            continue
        if image_counts[file_name] > 1 or label_counts[file_name] > 1:
            raise ResultsError(
                f"The name {file_name} stands for {image_counts[file_name]} images and {label_counts[file_name]} "
                "labels; write the images' relative paths into the label file."
            )
        joined[name] = by_file_name[file_name]
    if not joined:
        raise ResultsError(
            "No label matches an image of the results; check the label file's column 'image': "
            f"it names {_format_first(labels)}, and the images are {_format_first(names)}."
        )
    return joined


def _file_name(path: str) -> str:
    return PurePosixPath(path).name


def _format_first(names: Iterable[str]) -> str:
    """Quote the first name; an ellipsis stands for more."""
    first, *more = (*names,)
    return f"'{first}'{' …' if more else ''}"


def _parse_row(row: Mapping[str, str], line: int, path: Path) -> GradedRow:
    image, grade, score = strip_apostrophe(row["image"]), row["grade"], row["score"]
    if not grade and not score:
        return GradedRow(image, None, None)
    if not _is_finite(score):
        raise ResultsError(
            f"Line {line} of {path} has score '{score}', which is not a finite number; grade the images again."
        )
    return GradedRow(image, parse_grade(grade, line, path, ResultsError) if grade else None, float(score))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
