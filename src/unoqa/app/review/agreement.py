"""Live agreement: between readers, and of each reader with the machine."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from unoqa.benchmark.agreement import confusion_matrix, estimate_kappa
from unoqa.store.results.reviews import BLIND, GRADE, UNDO, VIEW, collect_reviews, list_readers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.grading import Grade
    from unoqa.store.results import Results
    from unoqa.store.results.reviews import Review

MACHINE = "unoqa"
"""What the machine is called among the readers."""


def measure_agreements(results: Results) -> list[dict[str, Any]]:
    """Return kappa with its 95 % interval for each pair of readers, and of each reader with the machine.

    A reader who saw the machine's grade first agrees with it more easily; so `blind` counts, among the images compared
    with the machine, those that the reader graded without seeing it and did not change afterwards.
    """
    reviews = collect_reviews(results.decisions)
    readers = list_readers(reviews.values())
    grades = {
        reader: {position: one.grades[reader] for position, one in reviews.items() if reader in one.grades}
        for reader in readers
    }
    machine = {position: one.grade for position, one in enumerate(results.iterate()) if one.grade is not None}
    pairs = [_compare(first, grades[first], second, grades[second]) for first, second in combinations(readers, 2)]
    for reader in readers:
        blind = sum(_graded_blind(reviews[position], reader) for position in grades[reader] if position in machine)
        pairs.append({**_compare(reader, grades[reader], MACHINE, machine), "blind": blind})
    return pairs


def _compare(first: str, grades: Mapping[int, Grade], second: str, others: Mapping[int, Grade]) -> dict[str, Any]:
    both = sorted(grades.keys() & others.keys())
    mine, theirs = (np.array([int(one[position]) for position in both], dtype=int) for one in (grades, others))
    table = confusion_matrix(mine, theirs)
    kappa = estimate_kappa(table)
    return {
        "first": first,
        "second": second,
        "images": len(both),
        "same": int(np.trace(table)),
        "kappa": _finite(kappa.value),
        "low": _finite(kappa.low),
        "high": _finite(kappa.high),
    }


def _graded_blind(review: Review, reader: str) -> bool:
    given = [one for one in review.trail if one.reader == reader and one.field == GRADE and one.reason != UNDO]
    return review.fields.get(VIEW, {}).get(reader) == BLIND and len(given) == 1


def _finite(value: float) -> float | None:
    """JSON has no NaN; null stands for it."""
    return value if math.isfinite(value) else None
