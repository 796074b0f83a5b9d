"""What a recipe makes of strong and of moderate damage, planted in real outstanding scans that it was not fitted on.

    python benchmarks/damage.py --data ../shared/octa [--recipe default]

For each device some outstanding scans are fitted; into all others each kind of damage is planted, one at a time. The
table goes to stdout, in Markdown: the share refused, the share of the refused whose first two findings name the kind,
and the area under the ROC curve of the heat for the damaged pixels (mean over the refused).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy import read_devices, read_image

from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.grader.grader import Grader
from unoqa.grader.recipe import Recipe

Planted = tuple[np.ndarray, np.ndarray]
Plant = Callable[[np.ndarray, float, np.random.Generator], Planted]
"""Damages a scan by 1 (strong) or .5 (moderate); returns it and a mask of what is damaged."""

SIGNAL = ("missing_area", "black_area", "illumination", "brightness", "vessel_signal", "capillary_signal")
LINES = ("row_steps", "column_steps", "displaced_rows", "displaced_columns")
NOISE = ("capillaries_to_noise", "speckle", "capillary_signal")


def plant(kind: str, strong: float) -> Plant:
    """Plant damage of the shelf, at the severity that counts as strong."""
    return lambda pixels, strength, rng: load_damages()[kind].apply(pixels, strength * strong, rng)


def shade(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> Planted:
    """Darken a band of 30 % of the field, at any angle, to .3 of its brightness."""
    rows, columns = np.mgrid[-1 : 1 : len(pixels) * 1j, -1 : 1 : len(pixels) * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    across = rows * np.sin(angle) + columns * np.cos(angle)
    mask = across > np.quantile(across, 1 - 0.3 * strength)
    return np.where(mask, pixels * 0.3, pixels).astype(np.float32), mask


def add_noise(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> Planted:
    """Add noise of a standard deviation of .15."""
    noisy = pixels + rng.normal(0, 0.15 * strength, pixels.shape)
    return np.clip(noisy, 0, 1).astype(np.float32), np.ones(pixels.shape, dtype=bool)


def tear(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> Planted:
    """Move each of 12 rows sideways, and make it brighter, as a small eye movement does."""
    rows = rng.choice(len(pixels), round(12 * strength), replace=False)
    torn, mask = pixels.copy(), np.zeros(pixels.shape, dtype=bool)
    for row in rows:
        torn[row] = np.clip(np.roll(torn[row], rng.integers(10, 40)) * 1.5 + 0.1, 0, 1)
        mask[max(row - 4, 0) : row + 5] = True
    return torn, mask


def multiply(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> Planted:
    """Multiply the brightness by .25."""
    del rng
    return (pixels * (1 - 0.75 * strength)).astype(np.float32), np.ones(pixels.shape, dtype=bool)


def flatten(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> Planted:
    """Multiply the contrast by .3; the mean stays."""
    del rng
    flat = pixels.mean() + (pixels - pixels.mean()) * (1 - 0.7 * strength)
    return flat.astype(np.float32), np.ones(pixels.shape, dtype=bool)


KINDS: dict[str, tuple[str, Plant, tuple[str, ...]]] = {
    "shift": ("lines moved by 24 pixels", plant("displacement", 0.6), LINES),
    "doubling": ("a second copy 24 pixels off", plant("doubling", 0.5), ("doubled",)),
    "stretch": ("a fifth of the rows drawn out 4 times", plant("stretch", 0.5), ()),
    "shuffle": ("half of 64 patches change places", plant("shuffle", 0.5), LINES),
    "missing": ("band, block or corner of 30 % missing", plant("blink", 0.6), SIGNAL[:2]),
    "shadow": ("30 % of the field at .3 of its brightness", shade, SIGNAL),
    "blur": ("σ 3 pixels", plant("blur", 3 / 2.8), ("defocus", "sharpness", "capillary_signal")),
    "noise": ("standard deviation .15 added", add_noise, NOISE),
    "speckle": ("in place of capillaries in half of the field", plant("noise", 0.5), NOISE),
    "contrast": ("× .3", flatten, ("contrast", "vessel_signal", "capillary_signal")),
    "brightness": ("× .25", multiply, SIGNAL),
    "torn rows": ("12", tear, LINES),
    "saturation": ("30 % of the pixels white", plant("saturation", 0.5), ("saturation",)),
    "fovea": ("35 % of the side off", plant("offcentre", 0.65), ("centring",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--scans", type=int, help="held-out scans of each device; all unless given")
    given = parser.parse_args()
    recipe = Recipe.named(given.recipe)
    print("| kind | strong | device | strong: refused | named | heat | moderate: refused | named | heat |")
    print("|---|---|---|---|---|---|---|---|---|")
    for device in read_devices(given.data):
        fitted, tested = next(iter(device.split(1)))
        grader = recipe.fit([device.paths[row] for row in fitted], weights=given.weights)
        held_out = [read_image(device.paths[row]) for row in tested if device.grades[row] == Grade.OUTSTANDING][
            : given.scans
        ]
        undamaged = [not grader.threshold.passes(grader.assess(one)[0].score) for one in held_out]
        print(f"| none | | {device.name} | {np.mean(undamaged):.3f} | | | | | |", flush=True)
        for kind, (words, damage, measures) in KINDS.items():
            cells = [tabulate(grader, held_out, damage, strength, measures) for strength in (1.0, 0.5)]
            print(f"| {kind} | {words} | {device.name} | {cells[0]} | {cells[1]} |", flush=True)
            print(f"\r{device.name} {kind}", end="", file=sys.stderr, flush=True)


def tabulate(
    grader: Grader, images: list[EnfaceImage], damage: Plant, strength: float, measures: tuple[str, ...]
) -> str:
    """Return the share refused, the share of these that is named, and the mean area of the heat."""
    refused, named, places = [], [], []
    for seed, image in enumerate(images):
        scan = grader.prepare(image)
        pixels = scan.resize(min(scan.pixels.shape))
        damaged, mask = damage(pixels, strength, np.random.default_rng(seed))
        assessment, make_heat = grader.assess_scan(image, replace(scan, pixels=damaged), all_findings=True)
        refused.append(not grader.threshold.passes(assessment.score))
        if refused[-1]:
            named.append(any(finding.measure in measures for finding in assessment.findings[:2]))
            if 0.02 < mask.mean() < 0.8:
                heat = make_heat()
                places.append(auroc(heat[mask], heat[~mask]))
    name = f"{np.mean(named):.2f}" if measures and named else "–"
    place = f"{np.mean(places):.2f}" if places else "–"
    return f"{np.mean(refused):.3f} | {name} | {place}"


if __name__ == "__main__":
    main()
