"""Cohorts of scans with known grades: the grade is known because the damage was planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float32, UInt8

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.contract import Damage, Lesion, load_damages
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTSTANDING_UP_TO = 0.05
"""Highest severity of an outstanding scan: it costs about 2 % of the field, which no grader minds."""

UNGRADABLE_FROM = 0.5
"""Lowest severity of an ungradable scan: it costs about a quarter of the field."""

SEVERITIES = {
    Grade.OUTSTANDING: (0.0, OUTSTANDING_UP_TO),
    Grade.GRADABLE: (0.2, UNGRADABLE_FROM),
    Grade.UNGRADABLE: (UNGRADABLE_FROM, 1.0),
}


@final
@dataclass(frozen=True)
class PhantomScan:
    """One scan and the damage planted in it.

    Attributes:
        pixels: grey, eight bits.
        damage: the kinds of damage, the strongest first.
        severity: severity of the strongest kind; it decides the grade.
    """

    name: str
    pixels: UInt8[np.ndarray, "size size"]
    grade: Grade
    damage: tuple[str, ...]
    severity: float


def grade_severity(severity: float) -> Grade:
    """Return the reference grade of a scan whose strongest damage has this severity."""
    if severity <= OUTSTANDING_UP_TO:
        return Grade.OUTSTANDING
    return Grade.GRADABLE if severity < UNGRADABLE_FROM else Grade.UNGRADABLE


def draw_scans(
    *, outstanding: int, gradable: int, ungradable: int, seed: int, size: int = 320, lesion: Lesion | None = None
) -> Iterator[PhantomScan]:
    """Draw scans one by one; neither their order nor their names tell their grades.

    Args:
        lesion: what every eye is ill with; without it, the same seed draws the same scans of healthy eyes.
    """
    counts = {Grade.OUTSTANDING: outstanding, Grade.GRADABLE: gradable, Grade.UNGRADABLE: ungradable}
    order = np.repeat([int(grade) for grade in counts], list(counts.values()))
    order_seed, *scan_seeds = np.random.SeedSequence(seed).spawn(len(order) + 1)
    np.random.default_rng(order_seed).shuffle(order)
    damages = load_damages()
    for number, (grade, scan_seed) in enumerate(zip(order, scan_seeds, strict=True), start=1):
        rng = np.random.default_rng(scan_seed)
        yield _draw_scan(f"scan_{number:04d}.png", Grade(int(grade)), rng, size=size, damages=damages, lesion=lesion)


def _draw_scan(
    name: str,
    grade: Grade,
    rng: np.random.Generator,
    *,
    size: int,
    damages: dict[str, Damage],
    lesion: Lesion | None,
) -> PhantomScan:
    pixels, severity = draw_angiogram(rng, size=size, lesion=lesion), _draw_severity(grade, rng)
    kinds = _draw_kinds(grade, rng, damages) if severity > 0 else ()
    severities = {kind: severity * 0.6**rank for rank, kind in enumerate(kinds)}
    for kind in sorted(kinds, key=lambda kind: damages[kind].stage):
        pixels, _ = damages[kind].apply(pixels, severities[kind], rng)
    return PhantomScan(name, _record(pixels, rng), grade, kinds, severity)


def _draw_severity(grade: Grade, rng: np.random.Generator) -> float:
    """Draw a severity from the grade's range; half of the outstanding scans have no damage at all."""
    low, high = SEVERITIES[grade]
    flawless = grade is Grade.OUTSTANDING and rng.random() < 0.5
    return 0.0 if flawless else float(rng.uniform(low, high))


def _draw_kinds(grade: Grade, rng: np.random.Generator, damages: dict[str, Damage]) -> tuple[str, ...]:
    """Draw one or two kinds of damage; up to three for an ungradable scan."""
    frequencies = np.array([damage.frequency for damage in damages.values()])
    count = int(rng.integers(1, 4 if grade is Grade.UNGRADABLE else 3))
    positions = rng.choice(len(damages), count, replace=False, p=frequencies / frequencies.sum())
    return tuple(list(damages)[position] for position in positions)


def _record(pixels: Float32[np.ndarray, "size size"], rng: np.random.Generator) -> UInt8[np.ndarray, "size size"]:
    """Expose as a device does, to its usual brightness, so that brightness alone does not tell the grade."""
    gain = np.clip(rng.normal(0.345, 0.035) / max(float(pixels.mean()), 0.01), 0.6, 1.7)
    return np.asarray(np.rint(255 * np.clip(gain * pixels, 0, 1)), dtype=np.uint8)
