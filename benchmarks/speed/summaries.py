"""Summaries of one row's pairs of runs: ratios within each pair, median times, the most memory."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TASKS = ("fit", "grade")


@dataclass(frozen=True)
class TimeRatio:
    """How many times faster unoqa is.

    Attributes:
        ours, peer: median seconds.
        value: the median of the ratios of all pairs; `low` and `high` are the least and the greatest.
    """

    ours: float
    peer: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MemoryUse:
    """The most bytes of both programs."""

    ours: float
    peer: float

    @property
    def share(self) -> float:
        """Memory of unoqa as a share of the peer's."""
        return self.ours / self.peer


def summarise_time(row: Mapping[str, Any], task: str) -> TimeRatio:
    ours, peer = ([pair[side][task]["seconds"] for pair in row["pairs"]] for side in ("ours", "peer"))
    ratios = [theirs / own for own, theirs in zip(ours, peer, strict=True)]
    medians = statistics.median(ours), statistics.median(peer), statistics.median(ratios)
    return TimeRatio(*medians, min(ratios), max(ratios))


def summarise_memory(row: Mapping[str, Any], task: str) -> MemoryUse:
    ours, peer = (max(pair[side][task]["memory"] for pair in row["pairs"]) for side in ("ours", "peer"))
    return MemoryUse(ours, peer)


def median_auroc(row: Mapping[str, Any], side: str, by: str, target: str) -> float:
    """Return the median AUROC over the pairs; `by` names a score, `target` is O or U."""
    return statistics.median(pair[side]["aurocs"][by][target] for pair in row["pairs"])


def mean_auroc(searches: Sequence[Mapping[str, Any]], epoch: int | str, by: str, target: str) -> float:
    """Return the peer's mean AUROC after an epoch, over its searches: independent trainings."""
    return statistics.fmean(search[str(epoch)][by][target] for search in searches)
