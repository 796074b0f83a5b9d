"""Intervals of shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

NORMAL_QUANTILE = 1.959963984540054
"""97.5th percentile of the standard normal distribution."""


@final
@dataclass(frozen=True)
class Share:
    """A share and its 95 % interval, Wilson's score interval (Wilson 1927, JASA 22:209, eq. 4).

    It has the stated coverage also for few images and shares near 0 or 1, where the usual interval has width 0.

    Attributes:
        count, total: the share is `count / total`.
    """

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end; NaN of nothing."""
        if not self.total:
            return math.nan, math.nan
        square = NORMAL_QUANTILE**2
        middle = (self.count + square / 2) / (self.total + square)
        spread = math.sqrt(self.count * (self.total - self.count) / self.total + square / 4)
        half = NORMAL_QUANTILE / (self.total + square) * spread
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_values(self) -> dict[str, float | int | None]:
        """Return the share and its interval as plain values; None, which JSON has, stands for NaN."""
        numbers = {"value": self.value, "low": self.interval[0], "high": self.interval[1]}
        known = {name: None if math.isnan(number) else number for name, number in numbers.items()}
        return {"count": self.count, "total": self.total, **known}
