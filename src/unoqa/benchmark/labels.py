"""Reference grades from a CSV, and their joining to a run's rows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.benchmark.parts.csv_rows import as_written, grade_of, image_name, plain, read_rows
from unoqa.core.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from unoqa.core.grading import Grade


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
    rows = read_rows(path, ("image", "grade", "score"), "a results folder of `unoqa grade`", ResultsError)
    return tuple(_graded(row, line, path) for line, row in rows)


def read_labels(path: Path) -> dict[str, Grade]:
    """Read a CSV with columns `image` and `grade` (0–2 or the words).

    Raises:
        ResultsError: the file is missing, lacks a column, names an image twice, or holds another grade.
    """
    labels: dict[str, Grade] = {}
    for line, row in read_rows(path, ("image", "grade"), "a CSV with columns image,grade", ResultsError):
        image, grade = image_name(row["image"]), grade_of(row["grade"], line, path, ResultsError)
        if labels.setdefault(image, grade) is not grade:
            raise ResultsError(f"Line {line} of {path} grades {image} a second time and differently; keep one line.")
    return labels


def join(images: Iterable[str], labels: Mapping[str, Grade]) -> dict[str, Grade]:
    """Find each image's label: by its relative path, or else by its name where that is unique.

    Once a path matches, another path stands for another image, whatever its last part is.

    Raises:
        ResultsError: a name stands for several images or several labels, or nothing matches.
    """
    written = {name: as_written(name) for name in images}
    names = list(written)
    joined = {name: labels[written[name]] for name in names if written[name] in labels}
    known = {written[name] for name in joined}
    left = [name for name in names if name not in joined]
    offered = [name for name in labels if name not in known and (not joined or "/" not in name)]
    of_images, of_labels = (Counter(map(_last, some)) for some in ([written[name] for name in left], offered))
    by_name = {_last(name): labels[name] for name in offered}
    for name in left:
        last = _last(written[name])
        if last not in by_name:
            continue
        if of_images[last] > 1 or of_labels[last] > 1:
            raise ResultsError(
                f"The name {last} stands for {of_images[last]} images and {of_labels[last]} labels; write the "
                "images' relative paths into the label file."
            )
        joined[name] = by_name[last]
    if not joined:
        raise ResultsError(
            "No label matches an image of the results; check the label file's column 'image': "
            f"it names {_some(labels)}, and the images are {_some(names)}."
        )
    return joined


def _last(name: str) -> str:
    return PurePosixPath(name).name


def _some(names: Iterable[str]) -> str:
    """Name the first one, and say whether there are more."""
    first, *more = (*names,)
    return f"'{first}'{' …' if more else ''}"


def _graded(row: Mapping[str, str], line: int, path: Path) -> GradedRow:
    image, grade, score = plain(row["image"]), row["grade"], row["score"]
    if not grade and not score:
        return GradedRow(image, None, None)
    if not _is_finite(score):
        raise ResultsError(f"Line {line} of {path} has score '{score}', which is no number; grade the images again.")
    return GradedRow(image, grade_of(grade, line, path, ResultsError) if grade else None, float(score))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
