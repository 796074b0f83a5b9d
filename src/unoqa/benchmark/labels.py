"""Read reference grades (labels) from a table, and join them to the images of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.benchmark.parts.grade_cells import parse_grade
from unoqa.benchmark.parts.names import (
    fold_file_name,
    fold_name,
    get_file_name,
    group_names,
    normalise_name,
    parse_image_name,
)
from unoqa.core.errors import ResultsError
from unoqa.store.formulas import unescape_formula
from unoqa.store.results import Results
from unoqa.store.results.database import RECORD
from unoqa.store.results.reviews import collect_reviews
from unoqa.store.tables.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from unoqa.core.grading import Grade


@final
@dataclass(frozen=True)
class GradedRow:
    """One graded image; grade and score are None where the run gave none."""

    image: str
    grade: Grade | None
    score: float | None


def read_grades(results: Path) -> tuple[GradedRow, ...]:
    """Read the grades of a results folder: from its record, or from `grades.csv` if it has none, as those of 0.1.0.

    Raises:
        ResultsError: there are no grades, the run is not finished, or `unoqa grade` did not write them.
    """
    if (results / RECORD).is_file():
        with Results.open(results) as record:
            record.check_finished()
            return tuple(GradedRow(one.image, one.grade, one.score) for one in record.iterate())
    path = results / "grades.csv"
    rows = read_rows(path, ("image", "grade", "score"), "a results folder of `unoqa grade`", ResultsError)
    return tuple(_parse_row(row, line, path) for line, row in rows)


@final
@dataclass(frozen=True)
class Labels:
    """What a label file says.

    Attributes:
        grades: the grade of each image, by its normalised name.
        rows_without_grade: number of rows that name an image and no grade.
    """

    grades: Mapping[str, Grade]
    rows_without_grade: int = 0


def read_labels(path: Path) -> Labels:
    """Read a table with columns `image` and `grade` (0–2 or the words); a grade may be blank.

    Raises:
        ResultsError: the file is missing or no plain table, lacks a column, gives an image two grades, or has an
            unknown grade or none.
    """
    grades: dict[str, Grade] = {}
    without_grade = 0
    for line, row in read_rows(path, ("image", "grade"), "a CSV with columns image,grade", ResultsError):
        if not row["grade"].strip():
            without_grade += 1
            continue
        image, grade = parse_image_name(row["image"]), parse_grade(row["grade"], line, path, ResultsError)
        if grades.setdefault(image, grade) is not grade:
            raise ResultsError(f"Line {line} of {path} gives {image} a second, different grade; keep one line.")
    if not grades:
        raise ResultsError(f"{path} grades no image; write a grade beside the names of some images.")
    return Labels(grades, without_grade)


def read_reviewed(results: Path) -> Labels:
    """Return the grades of people in a record: adjudicated ones, or those that all readers of an image gave alike.

    Raises:
        ResultsError: there are none.
    """
    with Results.open(results) as record:
        reviews = collect_reviews(record.decisions)
        images = [one.image for one in record.iterate()]
    decided = {position: review.decided for position, review in reviews.items()}
    grades = {normalise_name(images[position]): grade for position, grade in decided.items() if grade is not None}
    if not grades:
        raise ResultsError(f"No reader has graded an image of {results}; use `unoqa review`, or name a label file.")
    return Labels(grades)


def join_labels(images: Iterable[str], labels: Iterable[str]) -> dict[str, str]:
    """Find the label of each image: by its relative path, or else by its file name if that is unique.

    Names that differ in Unicode form are equal; names that differ in case are equal if no other ones are. Once one path
    matches, a label with another path is taken to mean another image, even if the file names are equal.

    Returns:
        The name in the label file by the name of the image; images without a label are left out.

    Raises:
        ResultsError: a name stands for several images or several labels, or no label matches.
    """
    images, labels = [*dict.fromkeys(images)], [*labels]
    joined: dict[str, str] = {}
    for key in (normalise_name, fold_name):
        joined |= _match(images, labels, key, joined, "write the images' names exactly, or rename one")
    by_file_name = [name for name in labels if not joined or "/" not in name]
    for key in (get_file_name, fold_file_name):
        joined |= _match(images, by_file_name, key, joined, "write the images' relative paths into the label file")
    if not joined:
        raise ResultsError(
            "No label matches an image of the results; check the label file's column 'image': "
            f"it names {_format_first(labels)}, and the images are {_format_first(images)}."
        )
    return joined


def _match(
    images: Iterable[str], labels: Iterable[str], key: Callable[[str], str], joined: Mapping[str, str], remedy: str
) -> dict[str, str]:
    """Return the labels of images that have none so far, among those that no image has."""
    used = set(joined.values())
    images_of = group_names((name for name in images if name not in joined), key)
    labels_of = group_names((name for name in labels if name not in used), key)
    matches = [(name, images_of[name], labels_of[name]) for name in images_of if name in labels_of]
    for name, same_images, same_labels in matches:
        if len(same_images) > 1 or len(same_labels) > 1:
            counts = f"{len(same_images)} images and {len(same_labels)} labels"
            raise ResultsError(f"The name {name} stands for {counts}; {remedy}.")
    return {same_images[0]: same_labels[0] for _, same_images, same_labels in matches}


def _format_first(names: Iterable[str]) -> str:
    """Quote the first name; an ellipsis stands for more."""
    first, *more = (*names, None)
    return "none" if first is None else f"'{first}'{' …' if len(more) > 1 else ''}"


def _parse_row(row: Mapping[str, str], line: int, path: Path) -> GradedRow:
    image, grade, score = unescape_formula(row["image"]), row["grade"], row["score"]
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
