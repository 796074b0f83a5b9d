"""Figures of a row from its raw pairs: ratios pair by pair, medians of times, the most memory."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TASKS = ("fit", "grade")


@dataclass(frozen=True)
class Ratio:
    """How many times less time ours takes, pair by pair.

    Attributes:
        ours, peer: median seconds.
        value: the median of the pairs' ratios, `low` and `high` the least and the most of them.
    """

    ours: float
    peer: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Memory:
    """Most bytes of both, and ours as a share of the peer's."""

    ours: float
    peer: float

    @property
    def share(self) -> float:
        return self.ours / self.peer


def ratio(row: Mapping[str, Any], task: str) -> Ratio:
    ours, peer = ([pair[side][task]["seconds"] for pair in row["pairs"]] for side in ("ours", "peer"))
    ratios = [theirs / own for own, theirs in zip(ours, peer, strict=True)]
    return Ratio(statistics.median(ours), statistics.median(peer), statistics.median(ratios), min(ratios), max(ratios))


def memory(row: Mapping[str, Any], task: str) -> Memory:
    ours, peer = (max(pair[side][task]["memory"] for pair in row["pairs"]) for side in ("ours", "peer"))
    return Memory(ours, peer)


def agreement(row: Mapping[str, Any], side: str, by: str, figure: str) -> float:
    """Return the median area of one kind over the pairs."""
    return statistics.median(pair[side]["areas"][by][figure] for pair in row["pairs"])


def mean_area(searches: Sequence[Mapping[str, Any]], epoch: int | str, by: str, figure: str) -> float:
    """Return the peer's mean area after an epoch over its searches, each a training of its own."""
    return statistics.fmean(search[str(epoch)][by][figure] for search in searches)
