"""What has moved, in sentences for who runs a reading centre."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, final

import numpy as np

from unoqa.benchmark.monitoring.periods import ALL
from unoqa.encoders.measures import MEASURES
from unoqa.grader.statistics import MEMBER, name_number

if TYPE_CHECKING:
    from unoqa.benchmark.monitoring.drift import Comparison, Movement
    from unoqa.grader.statistics import CohortStatistics

SIZES = {"rows": "height of the images", "columns": "width of the images"}

SCORE = "score"

NAMED = 3
"""Numbers that have a sentence of their own in each group; one more sentence names the others."""

LOGARITHM, SHARE = "natural logarithm", "share of"
"""What the units of measures begin with whose change is said in percent."""

NOTHING = "Nothing has moved: these images are like those of the reference."


@final
@dataclass(frozen=True)
class Words:
    """What the sentences need beside the movements.

    Attributes:
        threshold: the score up to which an image is outstanding.
        members: of the panel, as the settings of the recipe have them.
    """

    reference: CohortStatistics
    threshold: float
    members: Sequence[Mapping[str, Any]]

    def name(self, statistic: str) -> str:
        """Return what a number is called."""
        if statistic.startswith(MEMBER):
            member = self.members[int(statistic.removeprefix(MEMBER)) - 1]
            channels = member["module"].get("channels") or [member["encoder"]["choice"]]
            return f"score of {', '.join(map(name_number, channels))}"
        return SIZES.get(statistic) or name_number(statistic)

    def describe(self, movements: Sequence[Movement]) -> list[str]:
        """Return the sentences about all that has moved, group by group; one sentence if nothing has."""
        sentences = []
        for name, some in groupby(movements, lambda one: one.since.group):
            group = sorted(some, key=lambda one: rank(one.latest))
            begin = "" if name == ALL else f"{name}: "
            clauses = [self._describe_one(one) for one in group[:NAMED]]
            if others := [self.name(one.latest.statistic) for one in group[NAMED:]]:
                clauses.append(f"{len(others)} more numbers have moved: {', '.join(others)}")
            sentences += [f"{begin}{clause}." if begin else f"{clause[0].upper()}{clause[1:]}." for clause in clauses]
        return sentences or [NOTHING]

    def _describe_one(self, movement: Movement) -> str:
        one, when = movement.latest, _describe_when(movement)
        usual = self.reference.column(one.statistic)
        if one.statistic in SIZES:
            sizes = " to ".join(dict.fromkeys((f"{usual.min():.0f}", f"{usual.max():.0f}")))
            return f"the {self.name(one.statistic)} is {one.median:.0f} pixels{when}, not {sizes}"
        if one.statistic == SCORE:
            recent = one.period.cohort.column(SCORE)
            shares = [f"{float((values > self.threshold).mean()):.0%}" for values in (recent, usual)]
            worse = "worse" if _is_higher(one) else "better"
            return f"scores are {worse}{when}: {shares[0]} of the images are refused, in the reference {shares[1]}"
        what = f"{self.name(one.statistic)} is {'higher' if _is_higher(one) else 'lower'}"
        return f"{what}{_hint(one)}{when}: {_describe_change(one, float(np.median(usual)))}"


def rank(one: Comparison) -> tuple[int, float]:
    """Return by what comparisons are ordered: first what people understand best, then what has moved most."""
    name = one.statistic
    kind = 0 if name in SIZES else 1 if name in MEASURES.names() else 2 if name == SCORE else 3
    return kind, -one.distance


def _is_higher(one: Comparison) -> bool:
    return one.higher > 0.5


def _describe_when(movement: Movement) -> str:
    first, last = movement.since, movement.latest.period
    if first.first is None:
        return ""
    if not movement.lasts:
        return f" in the {first.name}" if first is last else f" from the {first.name} to the {last.name}"
    return f" since the {first.name}"


def _hint(one: Comparison) -> str:
    """Return the fault that a measure stands for, in brackets, if it has moved to its bad side."""
    if one.statistic not in MEASURES.names():
        return ""
    measure = MEASURES.load(one.statistic)
    return f" ({measure.reason})" if (measure.direction > 0) is _is_higher(one) else ""


def _describe_change(one: Comparison, usual: float) -> str:
    """Say from what to what the median has moved."""
    unit = MEASURES.load(one.statistic).unit if one.statistic in MEASURES.names() else ""
    if unit.startswith(LOGARITHM):
        return f"by {abs(math.expm1(one.median - usual)):.0%} in the median"
    if unit.startswith(SHARE):
        return f"the median is {one.median:.1%}, in the reference {usual:.1%}"
    return f"the median is {one.median:.3g}, in the reference {usual:.3g}"
