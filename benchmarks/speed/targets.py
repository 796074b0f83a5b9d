"""What is aimed at, and whether the figures meet it: computed from them, never typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from speed.figures import TASKS, agreement, memory, ratio
from speed.rows import ARITHMETIC_SHARE, BEYOND_MILLISECONDS, HELP_SECONDS, MEASURES_RATE, ROWS


@dataclass(frozen=True)
class Target:
    """One aim.

    Attributes:
        found: in words; empty where it was not measured.
        met: None where it was not measured.
    """

    name: str
    aim: str
    found: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]


def targets(document: Mapping[str, Any]) -> list[Target]:
    """Judge every aim by a document of figures."""
    rows = [target for key in ROWS for target in _row(key, document["rows"].get(key))]
    return rows + list(_small(document.get("small", {})))


def _row(key: str, found: Mapping[str, Any] | None) -> Iterator[Target]:
    row = ROWS[key]
    for task, aim in (("fit", row.fit), ("grade", row.grade)):
        if aim is not None:
            value = ratio(found, task).value if found else None
            yield at_least(f"{row.name}: {task}, times faster", aim, value, "{:.1f}")
    for task in TASKS:
        share = memory(found, task).share if found else None
        yield at_most(f"{row.name}: memory to {task}, share of the peer's", row.memory, share, "{:.2f}")
    for figure in ("O", "U"):
        name = f"{row.name}: AUROC {figure}, against the peer's map mean"
        if found:
            peer, own = agreement(found, "peer", "map mean", figure), agreement(found, "ours", "own score", figure)
            yield at_least(name, peer, own, "{:.3f}")
        else:
            yield Target(name, "≥ the peer's")
    share = found["limit"]["share"] if found else None
    yield at_least(f"{row.name}: arithmetic, share of grading", ARITHMETIC_SHARE, share, "{:.3f}")


def _small(found: Mapping[str, float]) -> Iterator[Target]:
    rate = "measures: images a second and core"
    yield at_least(f"{rate}, from file to grade", MEASURES_RATE, found.get("measures_whole"), "{:.1f}")
    yield at_least(f"{rate}, image at hand", MEASURES_RATE, found.get("measures_encode"), "{:.1f}")
    yield at_most("`unoqa --help`, seconds", HELP_SECONDS, found.get("help"), "{:.2f}")
    yield at_most(
        "one image beyond the encoder, recipe `default`, ms", BEYOND_MILLISECONDS, found.get("beyond"), "{:.0f}"
    )


def at_least(name: str, aim: float, value: float | None, form: str) -> Target:
    if value is None:
        return Target(name, f"≥ {form.format(aim)}")
    return Target(name, f"≥ {form.format(aim)}", form.format(value), value >= aim)


def at_most(name: str, aim: float, value: float | None, form: str) -> Target:
    if value is None:
        return Target(name, f"≤ {form.format(aim)}")
    return Target(name, f"≤ {form.format(aim)}", form.format(value), value <= aim)
