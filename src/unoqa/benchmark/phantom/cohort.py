"""Scans of known grade: a clinic's mix, of which the grade is known because the damage was planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.phantom.anatomy import angiogram
from unoqa.benchmark.phantom.contract import Damage, damages
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OUTSTANDING_UP_TO = 0.05
"""A severity that costs about two hundredths of the field: no grader would mind."""

UNGRADABLE_FROM = 0.5
"""A severity that costs about a quarter of the field."""

SEVERITIES = {
    Grade.OUTSTANDING: (0.0, OUTSTANDING_UP_TO),
    Grade.GRADABLE: (0.2, UNGRADABLE_FROM),
    Grade.UNGRADABLE: (UNGRADABLE_FROM, 1.0),
}


@final
@dataclass(frozen=True)
class PhantomScan:
    """One scan and how it came about.

    Attributes:
        pixels: grey, eight bits.
        damage: the kinds that were planted, the strongest first.
        severity: of the strongest one; it decides the grade.
    """

    name: str
    pixels: NDArray[np.uint8]
    grade: Grade
    damage: tuple[str, ...]
    severity: float


def grade_of(severity: float) -> Grade:
    """Return the reference grade of a scan whose strongest damage has this severity."""
    if severity <= OUTSTANDING_UP_TO:
        return Grade.OUTSTANDING
    return Grade.GRADABLE if severity < UNGRADABLE_FROM else Grade.UNGRADABLE


def cohort(*, outstanding: int, gradable: int, ungradable: int, seed: int, size: int = 320) -> Iterator[PhantomScan]:
    """Draw scans one by one in an order, and under names, that tell nothing of their grades."""
    counts = {Grade.OUTSTANDING: outstanding, Grade.GRADABLE: gradable, Grade.UNGRADABLE: ungradable}
    order = np.repeat([int(grade) for grade in counts], list(counts.values()))
    mixing, *seeds = np.random.SeedSequence(seed).spawn(len(order) + 1)
    np.random.default_rng(mixing).shuffle(order)
    shelf = damages()
    for number, (grade, own) in enumerate(zip(order, seeds, strict=True), start=1):
        rng = np.random.default_rng(own)
        yield _scan(f"scan_{number:04d}.png", Grade(int(grade)), rng, size=size, shelf=shelf)


def _scan(name: str, grade: Grade, rng: np.random.Generator, *, size: int, shelf: dict[str, Damage]) -> PhantomScan:
    pixels, severity = angiogram(rng, size=size), _severity(grade, rng)
    planted = _kinds(grade, rng, shelf) if severity > 0 else ()
    strength = {kind: severity * 0.6**rank for rank, kind in enumerate(planted)}
    for kind in sorted(planted, key=lambda kind: shelf[kind].stage):
        pixels, _ = shelf[kind].apply(pixels, strength[kind], rng)
    return PhantomScan(name, _recorded(pixels, rng), grade, planted, severity)


def _severity(grade: Grade, rng: np.random.Generator) -> float:
    """Draw from the grade's range; every other outstanding scan has no damage at all."""
    low, high = SEVERITIES[grade]
    flawless = grade is Grade.OUTSTANDING and rng.random() < 0.5
    return 0.0 if flawless else float(rng.uniform(low, high))


def _kinds(grade: Grade, rng: np.random.Generator, shelf: dict[str, Damage]) -> tuple[str, ...]:
    """Draw one or two kinds of damage, for an ungradable scan up to three."""
    frequencies = np.array([damage.frequency for damage in shelf.values()])
    count = int(rng.integers(1, 4 if grade is Grade.UNGRADABLE else 3))
    chosen = rng.choice(len(shelf), count, replace=False, p=frequencies / frequencies.sum())
    return tuple(list(shelf)[place] for place in chosen)


def _recorded(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Expose as a device does, to its usual brightness, so that brightness alone tells no grade."""
    gain = np.clip(rng.normal(0.345, 0.035) / max(float(pixels.mean()), 0.01), 0.6, 1.7)
    return np.asarray(np.rint(255 * np.clip(gain * pixels, 0, 1)), dtype=np.uint8)
