"""How surely `grade` sees that a cohort is of another device, and `fit` that a set is of two; and how often in error.

    python benchmarks/populations.py --data ../shared/octa --draws 200

All scans are resized to 320 pixels, so that their size tells nothing. The files of rossa are numbered 1 to 100 and from
300 on, in two folders; they count as two exports, as they turn out to be. Labels choose outstanding and poor scans for
the draws, and nothing else. Two tables go to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accuracy import read_devices, read_image
from PIL import Image

from unoqa.core.assessment import Assessment
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.core.intervals import Share
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.content import describe_content
from unoqa.grader.groups import find_groups
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.population import describe_other_population
from unoqa.grader.statistics import CohortStatistics, describe_statistics

SIDE = 320

LAST_OF_FIRST = 100
"""Number of the last file of rossa's first folder."""

KEPT = {"rossa": 300, "octa500-6mm": 110}
"""Images of the cohort that a model keeps."""

COHORTS = (40, 70)

SETS = (40, 80)

Numbers = list[Assessment]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--tables", nargs="*", default=["cohorts", "sets"], choices=["cohorts", "sets"])
    given = parser.parse_args()
    devices = {device.name: device for device in read_devices(given.data)}
    numbers = {name: describe_all(device.paths) for name, device in devices.items()}
    grades = {name: np.array(device.grades) for name, device in devices.items()}
    if "cohorts" in given.tables:
        tabulate_cohorts(numbers, grades, given.draws)
    if "sets" in given.tables:
        tabulate_sets(numbers, grades, given.draws)


def describe_all(paths: list[Path]) -> Numbers:
    encoders = OpenEncoders.open((), SIDE, device=torch.device("cpu"), weights=None)

    def describe(path: Path) -> Assessment:
        image = resize(read_image(path))
        measured = encoders.encode_with(encoders.measures, encoders.prepare(image))
        statistics = describe_statistics(encoders, measured, describe_content(image))
        return Assessment(path.name, 0.0, path.name, statistics=statistics)

    return map_all(describe, paths, NoProgress().task("", len(paths)))


def resize(image: EnfaceImage) -> EnfaceImage:
    """Return an image from 0 to 1, resized as an export of another size would be."""
    picture = Image.fromarray(np.rint(255 * image.pixels).astype(np.uint8))
    resized = picture if picture.size == (SIDE, SIDE) else picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return replace(image, pixels=np.asarray(resized, dtype=np.float32) / 255)


def tabulate_cohorts(numbers: dict[str, Numbers], grades: dict[str, np.ndarray], draws: int) -> None:
    print("| settled on | cohort | images | warned of |\n|---|---|---|---|")
    for name, other in (("rossa", "octa500-6mm"), ("octa500-6mm", "rossa")):
        for size in COHORTS:
            own, poor = grades[name], grades[other]
            for what, pick in {
                "the same device": lambda left: left,
                "the same device, none outstanding": lambda left, own=own: left[own[left] != Grade.OUTSTANDING],
            }.items():
                count_warnings(f"{name} | {what}", numbers[name], None, pick, KEPT[name], size, draws)
            for what, rows in {
                "the other device": np.arange(len(poor)),
                "the other device, outstanding only": np.flatnonzero(poor == Grade.OUTSTANDING),
                "the other device, none outstanding": np.flatnonzero(poor != Grade.OUTSTANDING),
            }.items():
                others = [numbers[other][row] for row in rows]
                count_warnings(f"{name} | {what}", numbers[name], others, None, KEPT[name], size, draws)


def count_warnings(
    title: str,
    own: Numbers,
    others: Numbers | None,
    pick: Callable[[np.ndarray], np.ndarray] | None,
    kept: int,
    size: int,
    draws: int,
) -> None:
    """Print in how many draws a cohort is called another population than images kept of the same draw."""
    found = 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(own))
        usual = CohortStatistics.of([own[row] for row in rows[:kept]])
        if others is None:
            cohort = [own[row] for row in pick(rows[kept:])[:size]]
        else:
            cohort = [others[row] for row in rng.permutation(len(others))[:size]]
        found += bool(describe_other_population(usual, cohort))
    print(f"| {title} | {len(cohort)} | {write(found, draws)} |", flush=True)


def tabulate_sets(numbers: dict[str, Numbers], grades: dict[str, np.ndarray], draws: int) -> None:
    parts = {"octa500-6mm": [], "rossa, first": [], "rossa, second": []}
    for name, some in numbers.items():
        for row in np.flatnonzero(grades[name] == Grade.OUTSTANDING):
            part = name if name == "octa500-6mm" else f"rossa, {'first' if is_first(some[row].image) else 'second'}"
            parts[part].append(list(some[row].statistics.values()))
    print("\n| outstanding images of | share of the first | images | called two groups |\n|---|---|---|---|")
    names = list(parts)
    mixes = [(one, one, 1.0) for one in names]
    for some, others in (names[:2], names[::2], names[1:]):
        mixes += [(some, others, share) for share in (0.5, 0.2, 0.8)]
    for some, others, share in mixes:
        count_groups(parts, some, others, share, draws)


def count_groups(parts: dict[str, list[list[float]]], some: str, others: str, share: float, draws: int) -> None:
    for size in SETS:
        first = min(round(share * size), len(parts[some]))
        second = 0 if some == others else min(size - first, len(parts[others]))
        found = 0
        for seed in range(draws):
            rng = np.random.default_rng(seed)
            rows = [parts[some][row] for row in rng.permutation(len(parts[some]))[:first]]
            rows += [parts[others][row] for row in rng.permutation(len(parts[others]))[:second]]
            found += bool(find_groups(np.array(rows)).sizes)
        title = some if some == others else f"{some}; {others}"
        print(f"| {title} | {share:.0%} | {first + second} | {write(found, draws)} |", flush=True)


def is_first(name: str) -> bool:
    return int(name.removeprefix("rossa_").split(".")[0]) <= LAST_OF_FIRST


def write(found: int, draws: int) -> str:
    share = Share(found, draws)
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%}–{high:.1%})"


if __name__ == "__main__":
    main()
