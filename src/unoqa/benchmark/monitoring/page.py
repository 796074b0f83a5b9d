"""The page of a monitoring: one file that opens from disk, runs no script and asks for nothing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from unoqa.benchmark.monitoring.drift import ALPHA, SMALLEST
from unoqa.benchmark.monitoring.words import SCORE, rank
from unoqa.report.assets import render_static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.benchmark.monitoring.drift import Comparison
    from unoqa.benchmark.monitoring.periods import Period
    from unoqa.benchmark.monitoring.run import Monitoring

LEFT, RIGHT, TOP, BOTTOM = 28.0, 292.0, 8.0, 104.0
"""The area of a plot in its drawing."""

DRAWN = 12
"""Charts of a group, at most; the table has the other numbers."""

BARS = 24
"""Bars of a distribution."""

TAIL = 0.01
"""Share of the images beyond each end of a distribution's axis; they are counted in its last bar."""


def write_page(monitoring: Monitoring) -> str:
    """Return the page as HTML."""
    moved = {one.since.group for one in monitoring.movements}
    groups = [
        {"name": name, **_show_group(monitoring, list(some))}
        for name, some in groupby(monitoring.comparisons, lambda one: one.period.group)
    ]
    return render_static(
        str(__package__),
        facts=monitoring.facts,
        alarm=bool(monitoring.movements),
        sentences=monitoring.sentences,
        groups=sorted(groups, key=lambda one: one["name"] not in moved),
        notes=monitoring.notes,
        alpha=f"{ALPHA:.0%}",
        smallest=f"{SMALLEST:.0%}",
    )


def _show_group(monitoring: Monitoring, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return charts and table of one group; what moved most comes first."""
    series = {name: [one for one in comparisons if one.statistic == name] for name in monitoring.reference.names}
    series = {name: some for name, some in series.items() if some}
    since = {
        one.latest.statistic: one.since.name.removeprefix("week of ")
        for one in monitoring.movements
        if one.since.group == comparisons[0].period.group
    }
    ordered = sorted(series, key=lambda name: (name not in since, *rank(series[name][-1])))
    drawn = [name for name in ordered if name in since or name == SCORE][:DRAWN]
    return {
        "facts": _describe_periods([one.period for one in series[ordered[0]]]),
        "charts": [_chart(monitoring, series[name]) for name in drawn],
        "left_out": len(since) - sum(name in since for name in drawn),
        "rows": [_tabulate(monitoring, series[name], since.get(name, "")) for name in ordered],
        "last": comparisons[-1].period.name,
    }


def _describe_periods(periods: Sequence[Period]) -> str:
    """Say how many images there are, in how many periods, from when to when."""
    images = f"{sum(len(one.cohort) for one in periods)} images"
    if len(periods) == 1:
        return f"{images}, {periods[0].name}"
    counts = sorted(len(one.cohort) for one in periods)
    each = " to ".join(dict.fromkeys((str(counts[0]), str(counts[-1]))))
    return f"{images} in {len(periods)} periods of {each}, from the {periods[0].name} to the {periods[-1].name}"


def _tabulate(monitoring: Monitoring, series: Sequence[Comparison], since: str) -> dict[str, Any]:
    last, usual = series[-1], monitoring.reference.column(series[-1].statistic)
    return {
        "name": monitoring.words.name(last.statistic),
        "moved": since,
        "cells": [
            f"{np.median(usual):.3g}",
            f"{last.median:.3g}",
            f"{last.higher:.0%}",
            f"{last.distance:.0%}",
            f"{last.stability:.2f}",
            f"{last.p:.3f}" if last.p >= 0.001 else "< .001",
        ],
    }


def _chart(monitoring: Monitoring, series: Sequence[Comparison]) -> dict[str, Any]:
    last = series[-1]
    step = (RIGHT - LEFT) / len(series)
    points = [
        {
            "x": round(LEFT + step * (number + 0.5), 1),
            "y": _down(one.higher),
            "alarm": one.alarm,
            "title": f"{one.period.name}: {one.higher:.0%} of pairs, {len(one.period.cohort)} images",
            "left": round(LEFT + step * number, 1),
            "width": round(step, 1),
            "top": _down(min(1.0, 0.5 + one.limit)),
            "height": round(_down(max(0.0, 0.5 - one.limit)) - _down(min(1.0, 0.5 + one.limit)), 1),
        }
        for number, one in enumerate(series)
    ]
    alarms = sum(one.alarm for one in series)
    return {
        "name": monitoring.words.name(last.statistic),
        "points": points,
        "label": f"{alarms} of {len(series)} periods in alarm; the last is higher in {last.higher:.0%} of pairs",
        "first": series[0].period.name,
        "last": last.period.name if len(series) > 1 else "",
        "bars": _draw_bars(monitoring.reference.column(last.statistic), last.period.cohort.column(last.statistic)),
    }


def _draw_bars(usual: Float[np.ndarray, " images"], recent: Float[np.ndarray, " others"]) -> dict[str, Any]:
    """Return both distributions as outlines over one axis."""
    ends = [np.quantile(values, (TAIL, 1 - TAIL)) for values in (usual, recent)]
    low, high = float(min(one[0] for one in ends)), float(max(one[1] for one in ends))
    high = high if high > low else low + 1
    edges = np.linspace(low, high, BARS + 1)
    shares = [np.histogram(np.clip(values, low, high), edges)[0] / len(values) for values in (usual, recent)]
    tallest = max(one.max() for one in shares)
    return {
        "usual": _outline(shares[0] / tallest),
        "recent": _outline(shares[1] / tallest),
        "low": f"{low:.3g}",
        "high": f"{high:.3g}",
    }


def _outline(heights: Float[np.ndarray, " bars"]) -> str:
    width = (RIGHT - LEFT) / len(heights)
    steps = [
        f"{LEFT + width * (number + end):.1f},{_down(height):.1f}"
        for number, height in enumerate(heights)
        for end in (0, 1)
    ]
    return " ".join([f"{LEFT},{BOTTOM}", *steps, f"{RIGHT},{BOTTOM}"])


def _down(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 1)
