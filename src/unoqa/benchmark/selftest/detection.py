"""Detection: what the trials of one kind of damage come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.selftest.trial import SEVERITIES, UNDAMAGED, Trial
from unoqa.core.intervals import Share

AIM = 0.8
"""Share of damaged scans that must be refused for a severity to count as seen."""


@final
@dataclass(frozen=True)
class DamageSeen:
    """How a model sees one kind of damage.

    Attributes:
        refused: per severity, the share of scans that are refused.
        named: per severity, the share of the refused scans whose first two findings name the damage; None if no
            finding can name this kind.
        place: per severity, the mean area under the ROC curve of the heat for the damaged pixels of refused scans; NaN
            where the damage has no place.
        seen_from: the severity from which 80 % are refused, between two severities by a straight line; None if that
            many are not refused even at the highest.
    """

    kind: str
    refused: tuple[Share, ...]
    named: tuple[Share, ...] | None
    place: tuple[float, ...]
    seen_from: float | None


def summarise(trials: Sequence[Trial]) -> tuple[Share, tuple[DamageSeen, ...]]:
    """Return the share of undamaged scans that are refused, and how each kind of damage is seen."""
    undamaged = _count([trial.refused for trial in trials if trial.kind == UNDAMAGED])
    kinds = [
        _summarise_kind(name, bool(damage.measures), [trial for trial in trials if trial.kind == name], undamaged)
        for name, damage in load_damages().items()
    ]
    return undamaged, tuple(kinds)


def _summarise_kind(kind: str, nameable: bool, trials: Sequence[Trial], undamaged: Share) -> DamageSeen:
    by_severity = [[trial for trial in trials if trial.severity == severity] for severity in SEVERITIES]
    refused = tuple(_count([trial.refused for trial in some]) for some in by_severity)
    seen = [[trial for trial in some if trial.refused] for some in by_severity]
    return DamageSeen(
        kind=kind,
        refused=refused,
        named=tuple(_count([trial.named for trial in some]) for some in seen) if nameable else None,
        place=tuple(_mean([trial.place for trial in some]) for some in seen),
        seen_from=_find_severity([undamaged.value, *(share.value for share in refused)]),
    )


def _count(answers: Sequence[bool]) -> Share:
    return Share(sum(answers), len(answers))


def _find_severity(shares: Sequence[float]) -> float | None:
    """Return the severity from which on the share stays at the aim; `shares` begins with that of undamaged scans."""
    severities = (0.0, *SEVERITIES)
    below = [number for number, share in enumerate(shares) if not share >= AIM]
    if not below:
        return 0.0
    last = below[-1]
    if last == len(shares) - 1:
        return None
    return float(np.interp(AIM, shares[last : last + 2], severities[last : last + 2]))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
