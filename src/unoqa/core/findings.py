"""Findings: what is wrong with an image, by one measure each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

NOTHING_STANDS_OUT = "no single fault stands out"
"""The reason of an image that is not outstanding and has no finding."""


@final
@dataclass(frozen=True)
class Finding:
    """One fault of an image.

    Attributes:
        measure: name of the measure.
        words: the fault in words, such as `motion lines`.
        strength: standard deviations beyond outstanding images, on the bad side.
        slight: whether it is named only because no finding is clear.
        place: part of the field, such as `upper left`; empty for a measure of the whole image.
        share: share of the field that is worse than usual, from 0 to 1.
        value: mean of the measure where the fault lies, in `unit`.
        low, high: 5th and 95th percentile of outstanding images in the same place.
        direction: +1 if high values are bad, -1 if low values are.
    """

    measure: str
    words: str
    strength: float
    slight: bool
    place: str
    share: float
    value: float
    low: float
    high: float
    unit: str
    direction: int

    def __str__(self) -> str:
        if self.slight:
            return f"slightly: {self.words}"
        return f"{self.words} ({self.place})" if self.place else self.words


def describe_findings(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the findings of an image that is not outstanding in words, in their order."""
    return tuple(map(str, findings)) or (NOTHING_STANDS_OUT,)
