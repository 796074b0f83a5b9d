"""The page of a self-test: one file that opens from disk, runs no script and asks for nothing."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

from unoqa.benchmark.selftest.trial import SEVERITIES
from unoqa.grader.overlay import blend_heat
from unoqa.report.assets import render_static
from unoqa.report.thumbnails import make_data_uri, make_heat_layer, make_thumbnail

if TYPE_CHECKING:
    from unoqa.benchmark.selftest.detection import DamageSeen
    from unoqa.benchmark.selftest.run import SelfTest
    from unoqa.benchmark.selftest.trial import Picture
    from unoqa.core.intervals import Share

SIDE, MOST_BYTES = 190, 9_000
"""Pixels and bytes of a picture on the page, at most."""

LEFT, RIGHT, TOP, BOTTOM = 30, 212, 10, 110
"""The plot's area in the drawing."""


def write_page(test: SelfTest, facts: str) -> str:
    """Return the page as HTML.

    Args:
        facts: one sentence on model and scans.
    """
    return render_static(
        str(__package__),
        facts=facts,
        sentences=describe(test),
        plots=[_plot(one, test.undamaged) for one in test.detections],
        severities=SEVERITIES,
        rows=[tabulate(one) for one in test.detections],
        strips=[(kind, list(map(_show, some))) for kind, some in groupby(test.pictures, lambda one: one.trial.kind)],
    )


def describe(test: SelfTest) -> list[str]:
    """Say in sentences what the model sees, what it sees too late, and what it does not see."""
    share = test.undamaged
    seen = [one for one in test.detections if one.seen_from is not None]
    unseen = [one for one in test.detections if one.seen_from is None]
    sentences = [
        f"Of {share.total} undamaged scans, {share.count} are refused "
        f"({share.value:.0%}, 95 % interval {share.interval[0]:.0%} to {share.interval[1]:.0%})."
    ]
    if seen:
        ordered = sorted(seen, key=lambda one: one.seen_from or 0)
        named = ", ".join(f"{one.kind} {one.seen_from:.2f}" for one in ordered)
        sentences.append(f"80 % are refused from these severities on: {named}.")
    if unseen:
        named = ", ".join(f"{one.kind} ({one.refused[-1].value:.0%} at the highest)" for one in unseen)
        sentences.append(f"Not seen, for fewer than 80 % are refused at any severity: {named}.")
    wrong = [one.kind for one in test.detections if one.named is not None and one.named[-1].value < 0.5]
    if wrong:
        sentences.append(f"Seen by score, but hardly named by the first two findings: {', '.join(wrong)}.")
    return sentences


def tabulate(detection: DamageSeen) -> tuple[str, ...]:
    """Return the row of one kind: name, refused per severity, named and place at the highest, seen from."""
    named = "no finding for it" if detection.named is None else _percent(detection.named[-1])
    place = "–" if math.isnan(detection.place[-1]) else f"{detection.place[-1]:.2f}"
    seen = "never" if detection.seen_from is None else f"{detection.seen_from:.2f}"
    return (detection.kind, *map(_percent, detection.refused), named, place, seen)


def _percent(share: Share) -> str:
    return f"{share.value:.0%}" if share.total else "–"


def _plot(detection: DamageSeen, undamaged: Share) -> dict[str, Any]:
    points = [
        {"x": _across(severity), "y": _down(share.value), "severity": f"{severity:g}"}
        | dict(zip(("low", "high"), map(_down, share.interval), strict=True))
        for severity, share in zip((0.0, *SEVERITIES), (undamaged, *detection.refused), strict=True)
    ]
    seen = "not seen" if detection.seen_from is None else f"80 % from {detection.seen_from:.2f}"
    shares = ", ".join(_percent(share) for share in detection.refused)
    return {"kind": detection.kind, "points": points, "seen": seen, "label": f"{detection.kind}: refused {shares}"}


def _across(severity: float) -> float:
    """Return where a severity lies; its root, so that small ones do not crowd."""
    return round(LEFT + math.sqrt(severity) * (RIGHT - LEFT - 6), 1)


def _down(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 1)


def _show(picture: Picture) -> dict[str, Any]:
    trial = picture.trial
    thumbnail = make_thumbnail(picture.pixels, side=SIDE, most_bytes=MOST_BYTES)
    return {
        "image": make_data_uri(thumbnail),
        "heat": make_data_uri(make_heat_layer(blend_heat(picture.pixels, picture.heat))),
        "severity": f"{trial.severity:g}",
        "refused": trial.refused,
        "findings": "; ".join(trial.findings),
    }
