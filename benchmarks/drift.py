"""How surely `unoqa monitor` finds a change in a week of images, and how often it alarms if nothing has changed.

    python benchmarks/drift.py --data ../shared/octa --cache build/drift

For each device, a recipe is fitted on some outstanding images. All others are assessed once, and again after each
change. Then weeks are drawn from them at random, without replacement, each beside a reference cohort of its own that
shares no image with it; the changed images of a week are those of the draw. Labels choose what is fitted on, and
nothing else. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from accuracy import Device, read_devices, read_image
from PIL import Image
from scipy.ndimage import gaussian_filter

from unoqa.benchmark.monitoring.drift import compare, find_movements
from unoqa.benchmark.monitoring.periods import ALL, Period
from unoqa.core.assessment import Assessment
from unoqa.core.image import EnfaceImage
from unoqa.core.intervals import Share
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.grader import Grader
from unoqa.grader.recipe import Recipe
from unoqa.grader.statistics import CohortStatistics

WEEKS = {"rossa": 100, "octa500-6mm": 40}
"""Images of a week, per device; all others are the reference, up to 300. octa500-6mm has too few for weeks of 100."""

REFERENCE = 300

CHANGED = 300
"""Images of a device that are changed, at most; weeks are drawn from these."""


def export(pixels: np.ndarray) -> np.ndarray:
    """Round to the 256 levels of an exported file."""
    return (np.rint(255 * np.clip(pixels, 0, 1)) / 255).astype(np.float32)


def shrink(pixels: np.ndarray) -> np.ndarray:
    size = round(0.75 * len(pixels))
    picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS), dtype=np.float32) / 255


def blur(pixels: np.ndarray, *, keep_grain: bool = False) -> np.ndarray:
    """Blur by a Gaussian of σ .4 pixels of 320: structure of 8 pixels, as capillaries side by side are, loses 5 %.

    Args:
        keep_grain: whether noise makes up for the finest detail that is lost, as a detector's grain does if a beam
            gets wider.
    """
    hazy = gaussian_filter(pixels, 0.4 * len(pixels) / 320)
    grain = np.random.default_rng(0).standard_normal(pixels.shape, dtype=np.float32) * (pixels - hazy).std()
    return hazy + grain if keep_grain else hazy


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda pixels: pixels,
    "exported at 3/4 of the size": shrink,
    "10 % dimmer": lambda pixels: export(0.9 * pixels),
    "5 % more blur": lambda pixels: export(blur(pixels)),
    "5 % more blur, as much grain": lambda pixels: export(blur(pixels, keep_grain=True)),
}

OTHER = "the other device"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--cache", type=Path, help="folder that keeps what was computed of the images")
    given = parser.parse_args()
    print("| device | images a week, reference | change | weeks with an alarm | named most |")
    print("|---|---|---|---|---|")
    devices = read_devices(given.data)
    for device, other in zip(devices, reversed(devices), strict=True):
        numbers = find_numbers(device, other, given)
        for change in numbers:
            print(tabulate(device.name, change, numbers, given.draws), flush=True)


def find_numbers(device: Device, other: Device, given: argparse.Namespace) -> dict[str, list[Assessment]]:
    """Return the assessments of all images of a device that are not fitted on, after each change."""
    cache = None if given.cache is None else given.cache / f"{device.name}-{given.recipe}.json"
    if cache is not None and cache.exists():
        stored = json.loads(cache.read_text(encoding="utf-8"))
        return {change: [Assessment(**one) for one in some] for change, some in stored.items()}
    rows, rest = next(device.split(1))
    grader = Recipe.named(given.recipe).fit([str(device.paths[row]) for row in rows])
    rest = np.random.default_rng(0).permutation(rest)
    found = {
        name: assess(grader, [device.paths[row] for row in (rest if name == "none" else rest[:CHANGED])], change)
        for name, change in CHANGES.items()
    }
    found[OTHER] = assess(grader, other.paths[:: max(1, len(other.paths) // 150)], CHANGES["none"])
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        plain = {change: [keep(one) for one in some] for change, some in found.items()}
        cache.write_text(json.dumps(plain), encoding="utf-8")
    return found


def assess(grader: Grader, paths: list[Path], change: Callable[[np.ndarray], np.ndarray]) -> list[Assessment]:
    def assess_one(path: Path) -> Assessment:
        image: EnfaceImage = read_image(path)
        return grader.assess(replace(image, pixels=change(image.pixels)))[0]

    return map_all(assess_one, paths, NoProgress().task("", len(paths)))


def keep(one: Assessment) -> dict[str, object]:
    wanted = ("image", "score", "size", "members", "statistics")
    return {key: value for key, value in asdict(replace(one, point=np.empty(0))).items() if key in wanted}


def tabulate(device: str, change: str, numbers: dict[str, list[Assessment]], draws: int) -> str:
    """Return the row of one change: in how many of the draws there is an alarm, and what it names."""
    usual, changed = numbers["none"], numbers[change]
    size = WEEKS[device]
    reference = min(REFERENCE, len(usual) - size)
    found, named = 0, Counter[str]()
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        if change == OTHER:
            week = [changed[row] for row in rng.permutation(len(changed))[:size]]
            left = rng.permutation(len(usual))
        else:
            rows = rng.permutation(len(changed))[:size]
            week = [changed[row] for row in rows]
            left = rng.permutation(np.setdiff1d(np.arange(len(usual)), rows))
        cohort = CohortStatistics.of([usual[row] for row in left[:reference]])
        movements = find_movements(compare(cohort, [Period(ALL, None, None, CohortStatistics.of(week))]))
        found += bool(movements)
        named.update(one.latest.statistic for one in movements[:3])
    share = Share(found, draws)
    low, high = share.interval
    names = ", ".join(f"{name} {count}" for name, count in named.most_common(3)) or "–"
    return f"| {device} | {size}, {reference} | {change} | {share.value:.1%} ({low:.1%}–{high:.1%}) | {names} |"


if __name__ == "__main__":
    main()
