"""Whether numbers of recent images are still distributed as those of the reference, and which have moved since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from unoqa.benchmark.monitoring.periods import Period
    from unoqa.grader.statistics import CohortStatistics

ALPHA = 0.01
"""Probability of an alarm, in one report, if nothing has moved."""

SMALLEST = 0.1
"""Smallest Kolmogorov-Smirnov distance of an alarm: a tenth of the images must have moved. Of thousands of images a
week, the least difference is significant."""

BINS = 10
"""Bins of the population stability index: tenths of the reference."""


@final
@dataclass(frozen=True)
class Comparison:
    """One number of the images of one period, compared with the reference.

    Attributes:
        statistic: name of the number.
        median: of the period.
        higher: probability that it is higher in an image of the period than in one of the reference, ties counted half:
            the Mann-Whitney statistic. It is .5 if nothing has moved.
        limit: distance of `higher` from .5 beyond which there is an alarm whatever the other numbers are: the control
            limit of the chart (Chakraborti & van de Wiel 2008).
        distance: of Kolmogorov and Smirnov: the share of images that have moved, at least.
        stability: population stability index, over tenths of the reference.
        p: the smaller p-value of the two tests, corrected for all tests of the report (Benjamini & Hochberg 1995).
        alarm: whether it counts as moved.
    """

    period: Period
    statistic: str
    median: float
    higher: float
    limit: float
    distance: float
    stability: float
    p: float
    alarm: bool


@final
@dataclass(frozen=True)
class Movement:
    """One number of a group that has moved.

    Attributes:
        latest: the comparison of the last period with an alarm.
        since: the first period of the alarms that lead up to it without a gap.
        lasts: whether the group's last period is the one of `latest`.
    """

    latest: Comparison
    since: Period
    lasts: bool


def compare(reference: CohortStatistics, periods: Sequence[Period]) -> tuple[Comparison, ...]:
    """Compare every number of every period with the reference.

    Numbers that either side lacks are left out.
    """
    from scipy.stats import norm  # noqa: PLC0415 - half a second, and `unoqa --help` needs none of it

    names = [name for name in reference.names if all(name in one.cohort.names for one in periods)]
    tested = [_test(reference.column(name), period, name) for period in periods for name in names]
    corrected = correct(np.array([ps for _, ps in tested]).reshape(-1, 2))
    quantile = float(norm.isf(ALPHA / (4 * len(tested)))) if tested else 0.0
    return tuple(
        replace(one, p=p, limit=quantile * one.limit, alarm=p <= ALPHA and one.distance >= SMALLEST)
        for (one, _), p in zip(tested, corrected.tolist(), strict=True)
    )


def correct(ps: Float[np.ndarray, "numbers tests"]) -> Float[np.ndarray, " numbers"]:
    """Return the smaller corrected p-value of each number: of all tests together, by Benjamini and Hochberg (1995).

    If nothing has moved, the probability that any is at most α is at most α.
    """
    from scipy.stats import false_discovery_control  # noqa: PLC0415 - as above

    return np.asarray(false_discovery_control(ps.ravel()).reshape(ps.shape).min(axis=1)) if ps.size else ps[:, 0]


def find_movements(comparisons: Sequence[Comparison]) -> tuple[Movement, ...]:
    """Return what has moved, group by group, what moved most first."""
    series = defaultdict[tuple[str, str], list[Comparison]](list)
    for one in comparisons:
        series[one.period.group, one.statistic].append(one)
    found = [movement for some in series.values() if (movement := _find_movement(some))]
    groups = list(dict.fromkeys(one.period.group for one in comparisons))
    return tuple(sorted(found, key=lambda one: (groups.index(one.since.group), -one.latest.distance)))


def _find_movement(series: Sequence[Comparison]) -> Movement | None:
    alarms = [place for place, one in enumerate(series) if one.alarm]
    if not alarms:
        return None
    first = last = alarms[-1]
    while first > 0 and series[first - 1].alarm:
        first -= 1
    return Movement(series[last], series[first].period, last == len(series) - 1)


def _test(reference: Float[np.ndarray, " images"], period: Period, name: str) -> tuple[Comparison, tuple[float, float]]:
    """Return the comparison, whose limit is the standard error of `higher` as yet, and the p-values of both tests."""
    from scipy.stats import ks_2samp, mannwhitneyu  # noqa: PLC0415 - as above

    recent = period.cohort.column(name)
    pairs, total = len(reference) * len(recent), len(reference) + len(recent)
    error = float(np.sqrt((total + 1) / (12 * pairs)))
    if min(reference.min(), recent.min()) == max(reference.max(), recent.max()):  # all alike: nothing to rank
        one = Comparison(period, name, float(recent[0]), 0.5, error, 0.0, 0.0, 1.0, alarm=False)
        return one, (1.0, 1.0)
    apart = ks_2samp(reference, recent, method="asymp")
    ranked = mannwhitneyu(recent, reference, method="asymptotic")
    one = Comparison(
        period=period,
        statistic=name,
        median=float(np.median(recent)),
        higher=float(ranked.statistic) / pairs,
        limit=error,
        distance=float(apart.statistic),
        stability=compute_stability_index(reference, recent),
        p=1.0,
        alarm=False,
    )
    return one, (float(apart.pvalue), float(ranked.pvalue))


def compute_stability_index(reference: Float[np.ndarray, " images"], recent: Float[np.ndarray, " others"]) -> float:
    """Return the population stability index: the sum of (q − p) ln(q / p) over the bins (Siddiqi 2006, chapter 9).

    The bins are tenths of the reference. Half an image is added to each, so that no share is 0.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = []
    for values in (reference, recent):
        counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) + 0.5
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
