"""One trial: damage of one kind and severity, planted in one outstanding scan, and what a model makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float

from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.auroc import auroc
from unoqa.core.findings import describe_findings

if TYPE_CHECKING:
    from unoqa.benchmark.phantom.contract import Damage
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


def try_scan(grader: Grader, image: EnfaceImage, *, seed: int) -> Iterator[Picture]:
    """Assess an outstanding scan, undamaged and with each kind of damage at each severity.

    A scan that is not square is made so. One kind lies at the same place at every severity.

    Raises:
        ImageError: the scan cannot be used by this model.
    """
    scan = grader.prepare(image)
    pixels = scan.resize(min(scan.pixels.shape))
    nowhere = np.zeros(pixels.shape, dtype=bool)
    yield _assess(grader, image, replace(scan, pixels=pixels), nowhere, (UNDAMAGED, None, 0.0))
    for number, (kind, damage) in enumerate(load_damages().items()):
        for severity in SEVERITIES:
            damaged, mask = damage.apply(pixels, severity, np.random.default_rng((seed, number)))
            yield _assess(grader, image, replace(scan, pixels=damaged), mask, (kind, damage, severity))


def _assess(
    grader: Grader,
    image: EnfaceImage,
    scan: EnfaceImage,
    mask: Bool[np.ndarray, "size size"],
    planted: tuple[str, Damage | None, float],
) -> Picture:
    kind, damage, severity = planted
    assessment, make_heat = grader.assess_scan(image, scan, all_findings=True)
    heat = make_heat()
    first = {finding.measure for finding in assessment.findings[:NAMED_AMONG]}
    trial = Trial(
        image=image.name,
        kind=kind,
        severity=severity,
        score=assessment.score,
        refused=not grader.threshold.passes(assessment.score),
        named=damage is not None and not first.isdisjoint(damage.measures),
        place=_compare_place(heat, mask),
        findings=describe_findings(assessment.findings),
    )
    return Picture(trial, scan.pixels, heat)


def _compare_place(heat: Float[np.ndarray, "rows columns"], mask: Bool[np.ndarray, "rows columns"]) -> float:
    """Return with which probability the heat at a damaged pixel exceeds that at another."""
    heat, mask = heat[::STEP, ::STEP], mask[::STEP, ::STEP]
    return auroc(heat[mask], heat[~mask]) if LOCAL[0] < mask.mean() < LOCAL[1] else math.nan
