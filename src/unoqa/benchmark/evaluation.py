"""Compare a results folder with reference grades; write Markdown and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from unoqa.benchmark.agreement import Agreement, Detection, measure_agreement
from unoqa.benchmark.labels import join_labels, read_grades, read_labels, read_reviewed
from unoqa.benchmark.parts.grade_cells import describe_left_out
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.benchmark.labels import GradedRow, Labels
    from unoqa.core.intervals import Share


def evaluate_results(results: Path, labels: Path | None = None) -> str:
    """Write `evaluation.md` and `evaluation.json` into the results folder, and return the Markdown.

    Args:
        results: results folder of `unoqa grade`, or its `grades.csv`.
        labels: table with columns image,grade; None for the readers' grades in the record.

    Raises:
        ResultsError: results and labels cannot be joined, or no labelled image has a grade.
    """
    if results.name.lower() == "grades.csv" and results.is_file():
        results = results.parent
    rows = read_grades(results)
    reference = read_reviewed(results) if labels is None else read_labels(labels)
    joined = join_labels((row.image for row in rows), reference.grades)
    agreement = compare(rows, reference, joined, f"{results} (see the column 'error' of its grades.csv)")
    without_grade = sum(row.image in joined and row.grade is None for row in rows)
    without_label = sum(row.image not in joined for row in rows)
    unmatched = len(reference.grades) - len(joined)
    left_out = reference.rows_without_grade
    text = _format_markdown(agreement, without_grade, without_label, unmatched, left_out)
    write_text(results / "evaluation.md", text)
    values = {
        **_to_json(agreement),
        "without grade": without_grade,
        "without label": without_label,
        "unmatched labels": unmatched,
        "rows without a grade": left_out,
    }
    write_text(results / "evaluation.json", json.dumps(values, indent=2) + "\n")
    return text


def compare(rows: Sequence[GradedRow], reference: Labels, joined: Mapping[str, str], where: str) -> Agreement:
    """Compare graded images with reference grades.

    Args:
        joined: the names of the labels by those of the images; other images are left out.
        where: the images lie, for the error message.

    Raises:
        ResultsError: no labelled image has a grade.
    """
    compared = [row for row in rows if row.image in joined and row.score is not None]
    if not any(row.grade is not None for row in compared):
        raise ResultsError(f"No labelled image of {where} has a grade.")
    return measure_agreement(
        np.array([int(reference.grades[joined[row.image]]) for row in compared]),
        np.array([-1 if row.grade is None else int(row.grade) for row in compared]),
        np.array([row.score for row in compared], dtype=np.float64),
    )


def _format_markdown(
    agreement: Agreement, without_grade: int, without_label: int, unmatched: int, left_out: int
) -> str:
    words = [grade.word for grade in Grade]
    counts = zip(words, agreement.confusion.sum(axis=1), strict=True)
    mix = ", ".join(f"{count} {word}" for word, count in counts)
    lines = [
        "# Agreement with the reference grades",
        "",
        f"{agreement.images} images compared (reference: {mix}); {without_grade} labelled images have no grade, "
        f"{without_label} images no label, {unmatched} labels no image. "
        "The AUROCs count every labelled image that has a score."
        + (f" Of the label file, {describe_left_out(left_out)}" if left_out else ""),
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {name} | {_format(metric.value)} | {_format(metric.low)} to {_format(metric.high)} |"
            for name, metric in agreement.metrics.items()
        ),
        "",
        "| reference ↓, given → | " + " | ".join(words) + " |",
        "|---|" + "---|" * len(words),
        *(
            f"| {word} | " + " | ".join(str(count) for count in row) + " |"
            for word, row in zip(words, agreement.confusion, strict=True)
        ),
        "",
        *_format_detections(agreement),
        "",
        "Kappa depends on the mix of grades; compare runs on the same images only. "
        "For research use, not a medical device.",
    ]
    return "\n".join(lines) + "\n"


def _format_detections(agreement: Agreement) -> list[str]:
    return [
        "| grade | sensitivity | specificity | positive predictive value | negative predictive value |",
        "|---|---|---|---|---|",
        *(
            f"| {grade.word} | {' | '.join(map(_format_share, _shares(detection).values()))} |"
            for grade, detection in agreement.detections.items()
        ),
        "",
        "Each grade against the others, with 95 % intervals (Wilson). Predictive values depend on the mix of grades.",
    ]


def _to_json(agreement: Agreement) -> dict[str, Any]:
    return {
        "images": agreement.images,
        "figures": {
            name: {
                "value": _none_if_nan(metric.value),
                "low": _none_if_nan(metric.low),
                "high": _none_if_nan(metric.high),
            }
            for name, metric in agreement.metrics.items()
        },
        "grades": [grade.word for grade in Grade],
        "confusion": agreement.confusion.tolist(),
        "detection": {
            grade.word: {name: share.to_values() for name, share in _shares(detection).items()}
            for grade, detection in agreement.detections.items()
        },
    }


def _shares(detection: Detection) -> dict[str, Share]:
    return {
        "sensitivity": detection.sensitivity,
        "specificity": detection.specificity,
        "positive predictive value": detection.positive,
        "negative predictive value": detection.negative,
    }


def _format_share(share: Share) -> str:
    """Write a share with its interval and the counts that it is made of."""
    low, high = share.interval
    return f"{_format(share.value)} ({_format(low)} to {_format(high)}; {share.count} of {share.total})"


def _format(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _none_if_nan(value: float) -> float | None:
    """JSON has no NaN; null stands for it."""
    return None if math.isnan(value) else value
