"""How much grades depend on which images a model is fitted on and graded among; labels score and mix, they never fit.

    python benchmarks/stability.py --data ../shared/octa [--recipe default] [--splits 4]

Features are encoded once. The tables go to stdout, in Markdown: models fitted on disjoint halves of the outstanding
images, on 20 of them, and on images of which some are gradable; and cohorts with more and fewer ungradable images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from accuracy import Device, encode_images, predict_rows, read_devices

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.core.assessment import Assessment
from unoqa.core.auroc import auroc
from unoqa.core.features import FeatureSet
from unoqa.core.grading import Grade
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.cohort import FittedThreshold, grade_cohort
from unoqa.grader.fitting import UNUSUAL, measure_distance_above_median
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.recipe import Recipe
from unoqa.store.workspace import Workspace

SHARES_OF_POOR = (0.05, 0.1)
"""Of the images fitted on, so many are gradable instead of outstanding."""

PREVALENCES = (0.0, 0.02, 0.05, 0.6)
"""Of a cohort, so many are ungradable."""

FEW = 20


class Bench:
    """One device's features, and what a recipe makes of them."""

    def __init__(self, device: Device, recipe: Recipe, features: list[FeatureSet]) -> None:
        self.device, self.recipe, self.features = device, recipe, features
        self.reference = np.array(device.grades)

    def score(self, fitted: np.ndarray, tested: np.ndarray) -> tuple[np.ndarray, FittedThreshold, np.ndarray]:
        """Fit on some images; return the scores of others, the threshold, and which of the fitted are named unusual."""
        panel, held_out = self.recipe.panel.fit([one.subset(fitted) for one in self.features], seed=0)
        scores = np.array([one.score for one in predict_rows(panel, self.features, tested)])
        unusual = held_out.rows[measure_distance_above_median(held_out.scores) > UNUSUAL]
        return scores, FittedThreshold.fit(self.recipe.threshold, held_out.scores, seed=0), unusual

    def grade(self, scores: np.ndarray, threshold: FittedThreshold) -> np.ndarray:
        """Grade a cohort by its scores."""
        assessed = [Assessment(str(row), score, point=np.array([score])) for row, score in enumerate(scores)]
        result, _ = grade_cohort(assessed, threshold, self.recipe.split, seed=0)
        return np.array([int(Grade.GRADABLE if one.grade is None else one.grade) for one in result.gradings])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--splits", type=int, default=4)
    given = parser.parse_args()
    recipe = Recipe.named(given.recipe)
    used = recipe.panel.encoders()
    encoders = OpenEncoders.open(used, recipe.size, device=torch.device("cpu"), weights=given.weights)
    print("| device | what | figure |\n|---|---|---|")
    for device in read_devices(given.data):
        with Workspace() as workspace:
            features = encode_images(device, CachedFeatures(encoders, workspace), len(used))
            bench = Bench(device, recipe, features)
            for what, figure in (
                *compare_halves(bench, given.splits),
                *mix_in_poor(bench, given.splits),
                *change_prevalence(bench, given.splits),
            ):
                print(f"| {device.name} | {what} | {figure} |", flush=True)


def compare_halves(bench: Bench, splits: int) -> list[tuple[str, str]]:
    """Compare fits on disjoint halves with each other, and a fit on 20 images with the reference grades."""
    agreement, areas = [], []
    for seed, (fitted, tested) in enumerate(bench.device.split(splits)):
        grades = [bench.grade(*bench.score(half, tested)[:2]) for half in (fitted[::2], fitted[1::2])]
        agreement.append(kappa(confusion_matrix(*grades)))
        few = np.random.default_rng(seed).choice(fitted, FEW, replace=False)
        outstanding = bench.reference[tested] == Grade.OUTSTANDING
        scores = bench.score(few, tested)[0]
        areas.append(auroc(scores[~outstanding], scores[outstanding]))
    return [
        (f"kappa between fits on disjoint halves, {len(fitted) // 2} images each", describe(agreement)),
        (f"O of a fit on {FEW} outstanding images", describe(areas)),
    ]


def mix_in_poor(bench: Bench, splits: int) -> list[tuple[str, str]]:
    """Replace some of the images fitted on by gradable ones: are they named, and what does the gate let pass?"""
    rows = []
    gradable = np.flatnonzero(bench.reference == Grade.GRADABLE)
    for share in SHARES_OF_POOR:
        named, lenient = [], []
        for seed, (fitted, tested) in enumerate(bench.device.split(splits)):
            poor = np.random.default_rng(seed).choice(gradable, round(share * len(fitted)), replace=False)
            mixed = np.concatenate([fitted[len(poor) :], poor])
            others = np.setdiff1d(np.intersect1d(tested, gradable), poor)
            clean_scores, clean, _ = bench.score(fitted, others)
            scores, threshold, unusual = bench.score(mixed, others)
            named.append(float(np.isin(np.arange(len(mixed))[-len(poor) :], unusual).mean()))
            lenient.append(_refuse(clean, clean_scores) - _refuse(threshold, scores))
        rows.append((f"{share:.0%} gradable among those fitted on: named by `fit`", describe(named)))
        rows.append((f"{share:.0%}: gradable images refused less", describe(lenient)))
    return rows


def _refuse(threshold: FittedThreshold, scores: np.ndarray) -> float:
    return float(np.mean([not threshold.passes(score) for score in scores]))


def change_prevalence(bench: Bench, splits: int) -> list[tuple[str, str]]:
    """Grade cohorts with more and fewer ungradable images: how many gradable ones change their grade?"""
    changed: dict[float, list[float]] = {share: [] for share in PREVALENCES}
    for seed, (fitted, tested) in enumerate(bench.device.split(splits)):
        scores, threshold, _ = bench.score(fitted, tested)
        whole, reference = bench.grade(scores, threshold), bench.reference[tested]
        poor = np.random.default_rng(seed).permutation(np.flatnonzero(reference == Grade.UNGRADABLE))
        others = np.flatnonzero(reference != Grade.UNGRADABLE)
        for share in PREVALENCES:
            wanted = round(share / (1 - share) * len(others))
            if wanted > len(poor):
                left = round(len(poor) * (1 - share) / share)
                others = np.random.default_rng(seed).permutation(others)[:left]
            rows = np.concatenate([others, poor[:wanted]])
            gradable = reference[rows] == Grade.GRADABLE
            changed[share].append(float(np.mean((bench.grade(scores[rows], threshold) != whole[rows])[gradable])))
    return [
        (f"{share:.0%} of the cohort ungradable: gradable images with another grade", describe(found))
        for share, found in changed.items()
    ]


def describe(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
