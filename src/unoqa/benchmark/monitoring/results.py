"""The files of a monitoring: `monitor.html` to look at, `monitor.json` for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unoqa.benchmark.monitoring.drift import ALPHA, SMALLEST
from unoqa.benchmark.monitoring.page import write_page
from unoqa.store.files import write_text
from unoqa.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.monitoring.drift import Comparison, Movement
    from unoqa.benchmark.monitoring.periods import Period
    from unoqa.benchmark.monitoring.run import Monitoring

FILES = frozenset({"monitor.html", "monitor.json"})
"""What a folder of a monitoring holds."""


def write_monitoring(monitoring: Monitoring, folder: Path) -> None:
    """Write both files into a folder."""
    write_text(folder / "monitor.html", write_page(monitoring))
    values = json.dumps(_to_values(monitoring), indent=2, allow_nan=False, ensure_ascii=False)
    write_text(folder / "monitor.json", values + "\n")


def _to_values(monitoring: Monitoring) -> dict[str, Any]:
    return {
        "unoqa": __version__,
        "note": "For research use; not a medical device.",
        "model": monitoring.model,
        "alarm": bool(monitoring.movements),
        "sentences": monitoring.sentences,
        "moved": [_movement_to_values(one) for one in monitoring.movements],
        "alpha": ALPHA,
        "smallest": SMALLEST,
        "reference": {"images": len(monitoring.reference)},
        "comparisons": [_comparison_to_values(one) for one in monitoring.comparisons],
        "notes": list(monitoring.notes),
    }


def _movement_to_values(movement: Movement) -> dict[str, Any]:
    one = movement.latest
    return {
        "group": one.period.group,
        "number": one.statistic,
        "direction": "higher" if one.higher > 0.5 else "lower",
        "since": _date(movement.since),
        "lasts": movement.lasts,
    }


def _comparison_to_values(one: Comparison) -> dict[str, Any]:
    return {
        "group": one.period.group,
        "period": _date(one.period),
        "images": len(one.period.cohort),
        "number": one.statistic,
        "median": one.median,
        "higher": one.higher,
        "limit": one.limit,
        "distance": one.distance,
        "stability": one.stability,
        "p": one.p,
        "alarm": one.alarm,
    }


def _date(period: Period) -> str | None:
    return None if period.first is None else period.first.isoformat()
