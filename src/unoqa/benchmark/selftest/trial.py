"""One trial: damage of one kind and severity, planted in one outstanding scan, and what a model makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float

from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.auroc import auroc
from unoqa.core.findings import describe_findings

if TYPE_CHECKING:
    from unoqa.core.findings import Finding
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.grader import Grader

SEVERITIES = (0.125, 0.25, 0.5, 1.0)
"""Of each kind of damage, as `Damage.apply` counts them: at .5, about a quarter of the scan is lost."""

NAMED_AMONG = 2
"""Findings, the worst first, among which the kind of damage must be."""

LOCAL = (0.02, 0.8)
"""Share of the field that damage must cover for its place to be compared with the heat."""

STEP = 4
"""Every so many-th pixel of rows and columns is compared: heat is smooth."""

UNDAMAGED = "undamaged"
"""Stands for the kind of damage where none is planted."""


@final
@dataclass(frozen=True)
class Trial:
    """What a model made of one scan.

    Attributes:
        kind: of the damage, or `undamaged`.
        refused: whether the scan is not outstanding by this model.
        named: whether one of the first two findings names the damage.
        place: area under the ROC curve of the heat for the damaged pixels; NaN where the damage is nearly everywhere
            or nowhere.
        findings: in words, the worst first.
    """

    image: str
    kind: str
    severity: float
    score: float
    refused: bool
    named: bool
    place: float
    findings: tuple[str, ...]


@final
@dataclass(frozen=True)
class Picture:
    """A damaged scan, brightness 0–1, and its heat."""

    trial: Trial
    pixels: Float[np.ndarray, "rows columns"]
    heat: Float[np.ndarray, "rows columns"]


@final
@dataclass(frozen=True)
class Planted:
    """A scan with damage.

    Attributes:
        kind: of the damage, or `undamaged`.
        mask: where it is.
        measures: by which it is to be named.
    """

    scan: EnfaceImage
    kind: str
    severity: float
    mask: Bool[np.ndarray, "size size"]
    measures: tuple[str, ...]

    def is_named(self, findings: Sequence[Finding]) -> bool:
        """Tell whether one of the first two findings, the worst first, names the damage."""
        return any(finding.measure in self.measures for finding in findings[:NAMED_AMONG])


def plant(scan: EnfaceImage, severities: Sequence[float], *, seed: int) -> Iterator[Planted]:
    """Yield a scan undamaged, and with each kind of damage at each severity.

    A scan that is not square is made so. One kind lies at the same place at every severity.
    """
    pixels = scan.resize(min(scan.pixels.shape))
    yield Planted(replace(scan, pixels=pixels), UNDAMAGED, 0.0, np.zeros(pixels.shape, dtype=bool), ())
    for number, (kind, damage) in enumerate(load_damages().items()):
        for severity in severities:
            damaged, mask = damage.apply(pixels, severity, np.random.default_rng((seed, number)))
            yield Planted(replace(scan, pixels=damaged), kind, severity, mask, damage.measures)


def try_scan(grader: Grader, image: EnfaceImage, *, seed: int) -> Iterator[Picture]:
    """Assess an outstanding scan, undamaged and with each kind of damage at each severity.

    Raises:
        ImageError: the scan cannot be used by this model.
    """
    for planted in plant(grader.prepare(image), SEVERITIES, seed=seed):
        yield _assess(grader, image, planted)


def _assess(grader: Grader, image: EnfaceImage, planted: Planted) -> Picture:
    assessment, make_heat = grader.assess_scan(image, planted.scan, all_findings=True)
    heat = make_heat()
    trial = Trial(
        image=image.name,
        kind=planted.kind,
        severity=planted.severity,
        score=assessment.score,
        refused=not grader.threshold.passes(assessment.score),
        named=planted.is_named(assessment.findings),
        place=_compare_place(heat, planted.mask),
        findings=describe_findings(assessment.findings),
    )
    return Picture(trial, planted.scan.pixels, heat)


def _compare_place(heat: Float[np.ndarray, "rows columns"], mask: Bool[np.ndarray, "rows columns"]) -> float:
    """Return with which probability the heat at a damaged pixel exceeds that at another."""
    heat, mask = heat[::STEP, ::STEP], mask[::STEP, ::STEP]
    return auroc(heat[mask], heat[~mask]) if LOCAL[0] < mask.mean() < LOCAL[1] else math.nan
