"""The targets, and whether the results meet them; computed, never typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from speed.rows import ARITHMETIC_SHARE, BEYOND_MILLISECONDS, HELP_SECONDS, MEASURES_RATE, ROWS
from speed.summaries import TASKS, median_auroc, summarise_memory, summarise_time


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        aim: the target as text.
        found: the result as text; empty if it was not measured.
        met: None if it was not measured.
    """

    name: str
    aim: str
    found: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]


def check_targets(document: Mapping[str, Any]) -> list[Target]:
    """Compare the results in a document with every target."""
    rows = [target for key in ROWS for target in _check_row(key, document["rows"].get(key))]
    return rows + list(_check_short_runs(document.get("short_runs", {})))


def _check_row(key: str, results: Mapping[str, Any] | None) -> Iterator[Target]:
    row = ROWS[key]
    for task, aim in (("fit", row.fit), ("grade", row.grade)):
        if aim is not None:
            value = summarise_time(results, task).value if results else None
            yield at_least(f"{row.name}: {task}, times faster", aim, value, "{:.1f}")
    for task in TASKS:
        share = summarise_memory(results, task).share if results else None
        yield at_most(f"{row.name}: memory to {task}, share of the peer's", row.memory, share, "{:.2f}")
    for target in ("O", "U"):
        name = f"{row.name}: AUROC {target}, against the peer's map mean"
        if results:
            peer = median_auroc(results, "peer", "map mean", target)
            own = median_auroc(results, "ours", "own score", target)
            yield at_least(name, peer, own, "{:.3f}")
        else:
            yield Target(name, "≥ the peer's")
    share = results["limit"]["share"] if results else None
    yield at_least(f"{row.name}: arithmetic, share of grading", ARITHMETIC_SHARE, share, "{:.3f}")


def _check_short_runs(results: Mapping[str, float]) -> Iterator[Target]:
    rate = "measures: images per second and core"
    yield at_least(f"{rate}, from file to grade", MEASURES_RATE, results.get("measures_whole"), "{:.1f}")
    yield at_least(f"{rate}, image already read", MEASURES_RATE, results.get("measures_encode"), "{:.1f}")
    yield at_most("`unoqa --help`, seconds", HELP_SECONDS, results.get("help"), "{:.2f}")
    yield at_most(
        "one image without the encoder, recipe `default`, ms", BEYOND_MILLISECONDS, results.get("beyond"), "{:.0f}"
    )


def at_least(name: str, aim: float, value: float | None, form: str) -> Target:
    if value is None:
        return Target(name, f"≥ {form.format(aim)}")
    return Target(name, f"≥ {form.format(aim)}", form.format(value), value >= aim)


def at_most(name: str, aim: float, value: float | None, form: str) -> Target:
    if value is None:
        return Target(name, f"≤ {form.format(aim)}")
    return Target(name, f"≤ {form.format(aim)}", form.format(value), value <= aim)
