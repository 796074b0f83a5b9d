"""What the script of a page reads: the shown images as columns, the distribution of scores, the axes of plots."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from unoqa.core.facts import DATES
from unoqa.report.attention import describe_flag
from unoqa.report.cohort import GRADES
from unoqa.report.embedding import embed
from unoqa.report.reviewing import describe_final
from unoqa.report.tables import word_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.findings import Finding
    from unoqa.report.cohort import Cohort, Scan

BINS = 60
"""Of the distribution of scores."""

LATE = 99.5
"""Percentile of scores at which the axis may end; what lies beyond is counted in the last bin."""


def make_data(cohort: Cohort, scans: Sequence[Scan], heat_files: Sequence[str]) -> dict[str, Any]:
    """Return plain values for the script.

    Args:
        scans: those shown.
        heat_files: the overlay beside the page that the large view of each shows; empty where there is none.
    """
    embedding = embed(scans)
    return {
        "grades": [word_of(grade) for grade in GRADES],
        "threshold": _round(cohort.threshold),
        "border": _round(cohort.border),
        "scores": make_distribution(cohort),
        "embedding": embedding and {"sentence": embedding.sentence, "places": _rows(embedding.places)},
        "order": _make_order(scans),
        "axis": f"score{' above the threshold of its model' if cohort.several else ''} (higher is worse)",
        "images": [_describe(cohort, scan, file) for scan, file in zip(scans, heat_files, strict=True)],
    }


def make_distribution(cohort: Cohort) -> dict[str, Any]:
    """Count all scores of the cohort by grade, and those of the outstanding reference, in bins of equal width."""
    reference = cohort.reference
    every = np.concatenate([*map(cohort.scores, GRADES), reference])
    if not len(every):
        return {"edges": [], "counts": [], "reference": []}
    low, late, high = float(every.min()), float(np.percentile(every, LATE)), float(every.max())
    high = high if high - low <= 1.5 * (late - low) else late  # a few far ones do not press the others together
    edges = np.linspace(low, high + 1e-9 * max(1.0, abs(high)), BINS + 1)

    def count(values: Float[np.ndarray, " values"]) -> list[int]:
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
        return [int(number) for number in counts]

    return {
        "edges": [_round(edge) for edge in edges],
        "counts": [count(cohort.scores(grade)) for grade in GRADES],
        "reference": count(reference),
    }


def encode(values: object) -> str:
    """Return values as JSON for a data block of a page: text stays text, and nothing in it ends the block."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _describe(cohort: Cohort, scan: Scan, heat_file: str) -> dict[str, Any]:
    grading = scan.grading
    values = {
        "name": grading.image,
        "grade": GRADES.index(grading.grade),
        "score": _round(cohort.draw(scan)),
        "certainty": _round(grading.certainty),
        "unsure": grading.unsure or None,
        "percentile": _round(grading.percentile),
        "findings": [_describe_finding(finding) for finding in grading.findings],
        "reasons": list(grading.reasons),
        "flags": [describe_flag(code) for code in scan.flags],
        "error": grading.error,
        "final": describe_final(cohort.reviews.get(scan.position), grading.grade),
        "facts": {name.replace("_", " "): [fact.value, fact.source] for name, fact in scan.facts.items()},
        "heat": heat_file,
    }
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _describe_finding(finding: Finding) -> dict[str, Any]:
    return {
        "words": finding.words,
        "place": finding.place,
        "share": _round(finding.share),
        "value": _round(finding.value),
        "low": _round(finding.low),
        "high": _round(finding.high),
        "unit": finding.unit,
        "direction": finding.direction,
        "strength": _round(finding.strength),
    }


def _make_order(scans: Sequence[Scan]) -> dict[str, Any]:
    """Return when the scans were taken, or else the order in which they were named."""
    for name in DATES:
        values = [scan.facts[name].value if name in scan.facts else None for scan in scans]
        if sum(value is not None for value in values) > len(scans) / 2:
            return {"sentence": "Date of the scan.", "dates": values}
    return {"sentence": "Order in which the images were named.", "dates": []}


def _rows(places: Float[np.ndarray, "scans 2"]) -> list[list[float] | None]:
    return [[_round(x) or 0.0, _round(y) or 0.0] if math.isfinite(x) else None for x, y in places.tolist()]


def _round(value: float | None) -> float | None:
    """Keep five significant digits: more than a plot or a person reads, in half the bytes."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")
