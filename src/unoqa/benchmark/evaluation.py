"""A results folder against reference grades, in Markdown and JSON."""

from __future__ import annotations

import json
import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from unoqa.benchmark.agreement import Agreement, agreement
from unoqa.benchmark.labels import join, read_grades, read_labels
from unoqa.benchmark.parts.csv_rows import as_written
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from pathlib import Path


def evaluate_results(results: Path, labels: Path) -> str:
    """Compare, write `evaluation.md` and `evaluation.json` into the results, and return the former.

    Raises:
        ResultsError: the two cannot be joined.
    """
    rows = read_grades(results)
    known = read_labels(labels)
    joined = join((row.image for row in rows), known)
    compared = [row for row in rows if row.image in joined and row.score is not None]
    if not any(row.grade is not None for row in compared):
        raise ResultsError(f"No labelled image of {results} has a grade; see the column 'error' of its grades.csv.")
    found = agreement(
        np.array([int(joined[row.image]) for row in compared]),
        np.array([-1 if row.grade is None else int(row.grade) for row in compared]),
        np.array([row.score for row in compared], dtype=np.float64),
    )
    without_grade = sum(row.image in joined and row.grade is None for row in rows)
    without_label = sum(row.image not in joined for row in rows)
    found_images = {as_written(image) for image in joined}
    by_name = {PurePosixPath(image).name for image in found_images if image not in known}
    unmatched = sum(image not in found_images and PurePosixPath(image).name not in by_name for image in known)
    text = _markdown(found, without_grade, without_label, unmatched)
    write_text(results / "evaluation.md", text)
    values = {
        **_values(found),
        "without grade": without_grade,
        "without label": without_label,
        "unmatched labels": unmatched,
    }
    write_text(results / "evaluation.json", json.dumps(values, indent=2) + "\n")
    return text


def _markdown(found: Agreement, without_grade: int, without_label: int, unmatched: int) -> str:
    words = [grade.word for grade in Grade]
    mix = ", ".join(f"{count} {word}" for word, count in zip(words, found.confusion.sum(axis=1), strict=True))
    lines = [
        "# Agreement with the reference grades",
        "",
        f"{found.images} images compared (reference: {mix}); {without_grade} labelled images have no grade, "
        f"{without_label} images no label, {unmatched} labels no image. "
        "The areas (AUROC) are of all labelled images that have a score.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {name} | {_shown(figure.value)} | {_shown(figure.low)} to {_shown(figure.high)} |"
            for name, figure in found.figures.items()
        ),
        "",
        "| reference ↓, given → | " + " | ".join(words) + " |",
        "|---|" + "---|" * len(words),
        *(
            f"| {word} | " + " | ".join(str(count) for count in row) + " |"
            for word, row in zip(words, found.confusion, strict=True)
        ),
        "",
        "Kappa depends on the mix of grades; compare runs on the same images only. "
        "For research use, not a medical device.",
    ]
    return "\n".join(lines) + "\n"


def _values(found: Agreement) -> dict[str, Any]:
    return {
        "images": found.images,
        "figures": {
            name: {"value": _json(figure.value), "low": _json(figure.low), "high": _json(figure.high)}
            for name, figure in found.figures.items()
        },
        "grades": [grade.word for grade in Grade],
        "confusion": found.confusion.tolist(),
    }


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _json(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if math.isnan(value) else value
