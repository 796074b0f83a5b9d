"""Whether a grade is as sure as it says: certainty beside held-out refits, and beside the reference grades.

    python benchmarks/certainty.py --data ../shared/octa [--recipes measures default] [--splits 6]

For each device and split, the outstanding images to fit on are halved, and all others are halved into two cohorts. Two
models are fitted and settled, each on its own halves, and both grade all images that neither was fitted on. Certainty
says how often both give the same grade. Labels score: they make the halves' outstanding images, and the column kappa.
Tables go to stdout, in Markdown, and the reliability diagram to docs/certainty.png.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accuracy import Device, encode_images, predict_rows, read_devices
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.core.assessment import Assessment
from unoqa.core.grading import SURE, Grade, Grading
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.cohort import FittedThreshold, grade_cohort, grade_settled
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.recipe import Recipe
from unoqa.store.workspace import Workspace

PICTURE = Path(__file__).parent.parent / "docs" / "certainty.png"

BINS = 10

ASIDE = 0.2
"""Share of the least sure images that is set aside."""

BATCH = 20
"""Ungradable images that are graded as a batch of their own."""


@dataclass(frozen=True)
class Pair:
    """Images graded by two models; arrays have one value per image.

    Attributes:
        same: whether the other model gave the same grade.
    """

    certainty: np.ndarray
    grade: np.ndarray
    same: np.ndarray
    reference: np.ndarray

    @classmethod
    def join(cls, parts: list[Pair]) -> Pair:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipes", nargs="*", default=["measures", "default"])
    parser.add_argument("--splits", type=int, default=6)
    given = parser.parse_args()
    devices, found = read_devices(given.data), {}
    batches = []
    for name in given.recipes:
        for device in devices:
            pairs, batch = measure(device, Recipe.named(name), given.splits)
            found[f"{name}, {device.name}"] = pairs
            batches.append(f"| {name}, {device.name} | {batch} |")
    print_tables(found)
    print("\n| 20 ungradable scans as a batch of their own | become gradable | of these certainty ≥ .999 | mean |")
    print("\n".join(["|---|---|---|---|", *batches]))
    draw({title: Pair.join(pairs) for title, pairs in found.items()}).savefig(PICTURE, dpi=110)


def measure(device: Device, recipe: Recipe, splits: int) -> tuple[list[Pair], str]:
    """Return what both models of each split say, and what becomes of a batch of ungradable images."""
    used = recipe.panel.encoders()
    encoders = OpenEncoders.open(used, recipe.size, device=torch.device("cpu"), weights=None)
    pairs, batches = [], []
    with Workspace() as workspace:
        features = encode_images(device, CachedFeatures(encoders, workspace), len(used))
        for seed, (fitted, tested) in enumerate(device.split(splits)):
            reference = np.array(device.grades)[tested]
            first = np.random.default_rng(seed).permutation(np.arange(len(tested)) % 2) == 0
            graded = []
            for rows, cohort in ((fitted[::2], first), (fitted[1::2], ~first)):
                assessed, threshold = assess(recipe, features, rows, tested)
                graded.append(grade(recipe, threshold, assessed, cohort))
                batches.append(grade_batch(recipe, threshold, assessed, reference, seed))
            pairs += [compare(one, other, reference) for one, other in (graded, graded[::-1])]
    return pairs, describe_batches(batches)


def assess(
    recipe: Recipe, features: list, fitted: np.ndarray, tested: np.ndarray
) -> tuple[list[Assessment], FittedThreshold]:
    panel, held_out = recipe.panel.fit([one.subset(fitted) for one in features], seed=0)
    predictions = predict_rows(panel, features, tested)
    threshold = FittedThreshold.fit(recipe.threshold, held_out.scores, seed=0)
    assessed = [
        Assessment(str(row), one.score, point=recipe.split.represent(one), spread=one.spread)
        for row, one in zip(tested, predictions, strict=True)
    ]
    return assessed, threshold


def grade(
    recipe: Recipe, threshold: FittedThreshold, assessed: list[Assessment], cohort: np.ndarray
) -> tuple[Grading, ...]:
    """Settle on some of the images, and grade all."""
    own = [one for one, inside in zip(assessed, cohort, strict=True) if inside]
    _, split = grade_cohort(own, threshold, recipe.split, seed=0)
    return grade_settled(assessed, threshold, split).gradings


def compare(one: tuple[Grading, ...], other: tuple[Grading, ...], reference: np.ndarray) -> Pair:
    grades, others = (np.array([int(grading.grade) for grading in some]) for some in (one, other))
    return Pair(np.array([grading.certainty for grading in one]), grades, grades == others, reference)


def grade_batch(
    recipe: Recipe, threshold: FittedThreshold, assessed: list[Assessment], reference: np.ndarray, seed: int
) -> list[float]:
    """Return the certainties of ungradable images that become gradable in a batch of their own."""
    poor = np.flatnonzero(reference == Grade.UNGRADABLE)
    if len(poor) < BATCH:
        return []
    drawn = np.random.default_rng(seed).choice(poor, BATCH, replace=False)
    result, _ = grade_cohort([assessed[row] for row in drawn], threshold, recipe.split, seed=0)
    return [one.certainty for one in result.gradings if one.grade is Grade.GRADABLE]


def describe_batches(batches: list[list[float]]) -> str:
    every = np.concatenate(batches)
    if not len(every):
        return "– | – | –"
    sure = np.mean([sum(certainty >= 0.999 for certainty in one) for one in batches])
    return f"{len(every) / len(batches):.1f} of {BATCH} | {sure:.1f} | {every.mean():.2f}"


def print_tables(found: dict[str, list[Pair]]) -> None:
    print("| recipe, device | mean certainty | same grade by the refit | ECE | unsure | same, unsure | same, others |")
    print("|---|---|---|---|---|---|---|")
    for title, pairs in found.items():
        every = Pair.join(pairs)
        unsure = every.certainty < SURE
        cells = [
            every.certainty.mean(), every.same.mean(), measure_error(every.certainty, every.same), unsure.mean(),
            every.same[unsure].mean(), every.same[~unsure].mean(),
        ]  # fmt: skip
        print(f"| {title} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
    print("\n| recipe, device | kappa of all | without the 20 % least sure | without the unsure |")
    print("|---|---|---|---|")
    for title, pairs in found.items():
        kappas = np.array([measure_kappas(pair) for pair in pairs])
        print(f"| {title} | " + " | ".join(f"{cell:.3f}" for cell in kappas.mean(axis=0)) + " |")


def measure_error(certainty: np.ndarray, same: np.ndarray) -> float:
    """Return the expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    bins = np.minimum((certainty * BINS).astype(int), BINS - 1)
    return sum(
        np.mean(bins == one) * abs(certainty[bins == one].mean() - same[bins == one].mean()) for one in np.unique(bins)
    )


def measure_kappas(pair: Pair) -> list[float]:
    aside = np.argsort(pair.certainty, kind="stable")[: round(ASIDE * len(pair.certainty))]
    rest = np.setdiff1d(np.arange(len(pair.certainty)), aside)
    every, sure = np.arange(len(pair.certainty)), np.flatnonzero(pair.certainty >= SURE)
    return [kappa(confusion_matrix(pair.reference[rows], pair.grade[rows])) for rows in (every, rest, sure)]


def draw(found: dict[str, Pair]) -> Figure:
    """Draw, for each recipe and device, how often the refit and the reference agree by certainty."""
    figure = Figure(figsize=(3.2 * len(found), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(1, len(found), sharey=True))
    for panel, (title, pair) in zip(panels, found.items(), strict=True):
        panel.set_title(title, fontsize=10)
        panel.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
        bins = np.minimum((pair.certainty * BINS).astype(int), BINS - 1)
        counts = np.bincount(bins, minlength=BINS)
        panel.bar(
            (np.arange(BINS) + 0.5) / BINS, counts / counts.sum(), width=0.09, color="#e0e0e0", label="share of images"
        )
        used = np.flatnonzero(counts >= 10)
        places = [pair.certainty[bins == one].mean() for one in used]
        agreed = pair.grade == pair.reference
        for colour, marker, label, right in (
            ("#1b5e8c", "o", "same grade by a refit", pair.same),
            ("#b03a2e", "s", "same as the reference", agreed),
        ):
            panel.plot(places, [right[bins == one].mean() for one in used], marker=marker, color=colour, label=label)
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1)
        panel.set_xlabel("certainty", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(fontsize=8, loc="upper left", frameon=False)
    figure.axes[0].set_ylabel("share", fontsize=9)
    return figure


if __name__ == "__main__":
    main()
