"""How much of the loss between two devices a model wins back that is adapted by unlabelled images of the new one.

    python benchmarks/adaptation.py --data ../shared/octa --splits 5

For each split, a recipe is fitted on outstanding images of each device. The native model, the other device's model as
it is, and that model adapted by all images of the device then grade the images that the native one was not fitted on.
Labels choose what the two models are fitted on, and score. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accuracy import METRICS, Device, compute_metrics, encode_images, predict_rows, read_devices

from unoqa.core.features import FeatureSet
from unoqa.grader.adaptation import choose_best, standardise
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.cohort import FittedThreshold
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.panel import FittedPanel, Prediction, fuse
from unoqa.grader.recipe import Recipe
from unoqa.store.workspace import Workspace

Fitted = tuple[FittedPanel, FittedThreshold]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="folder that keeps features and the figures of each split")
    given = parser.parse_args()
    recipe, devices = Recipe.named(given.recipe), read_devices(given.data)
    used = recipe.panel.encoders()
    encoders = OpenEncoders.open(used, recipe.size, device=torch.device("cpu"), weights=None)
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with Workspace(given.cache) as workspace:
        cache = CachedFeatures(encoders, workspace)
        features = [encode_images(device, cache, len(used)) for device in devices]
        for number, splits in enumerate(zip(*(device.split(given.splits) for device in devices), strict=True)):
            kept = None if given.cache is None else given.cache / f"adaptation-{recipe.name}-{number}.json"
            if kept is None or not kept.exists():
                results = grade_both(recipe, devices, features, splits)
                if kept is not None:
                    kept.write_text(json.dumps(results), encoding="utf-8")
            else:
                results = json.loads(kept.read_text(encoding="utf-8"))
            for device, way, result in results:
                found.setdefault((device, way), []).append(result)
    tabulate(found)


def grade_both(
    recipe: Recipe, devices: list[Device], features: list[list[FeatureSet]], splits: Sequence[tuple[np.ndarray, ...]]
) -> list[tuple[str, str, dict[str, float]]]:
    """Return the figures of each device and way, of one split."""
    fitted = [fit(recipe, some, rows) for some, (rows, _) in zip(features, splits, strict=True)]
    found = []
    for own, other in ((0, 1), (1, 0)):
        ways = compare(recipe, devices[own], features[own], splits[own][1], fitted[own], fitted[other])
        found += [(devices[own].name, way, result) for way, result in ways.items()]
    return found


def fit(recipe: Recipe, features: list[FeatureSet], rows: np.ndarray) -> Fitted:
    panel, held_out = recipe.panel.fit([one.subset(rows) for one in features], seed=0)
    return panel, FittedThreshold(recipe.threshold.fit(held_out.scores), held_out.scores.std())


def compare(
    recipe: Recipe, device: Device, features: list[FeatureSet], tested: np.ndarray, native: Fitted, foreign: Fitted
) -> dict[str, dict[str, float]]:
    """Return the figures of each way."""
    every = predict_rows(foreign[0], features, np.arange(len(device.paths)))
    members = np.array([one.members for one in every])
    weights = np.array([member.weight for member in recipe.panel.members])
    fusion = recipe.panel.fusion
    new = standardise(members, weights, fusion)
    moved = [replace(one, members=row, score=fuse(row, fusion)) for one, row in zip(every, new, strict=True)]
    first = np.sort(np.argsort([one.score for one in every], kind="stable")[: min(100, round(0.4 * len(every)))])
    ways: dict[str, tuple[list[Prediction], FittedThreshold]] = {
        "native model": (predict_rows(native[0], features, tested), native[1]),
        "other device's model": ([every[row] for row in tested], foreign[1]),
        "standardised anew": ([moved[row] for row in tested], foreign[1]),
    }
    for way, chosen in (("fitted on its best", first), ("adapted", choose_best(members, weights, fusion))):
        panel, threshold = fit(recipe, features, chosen)
        ways[way] = predict_rows(panel, features, tested), threshold
    return {way: compute_metrics(device, tested, some, recipe.split, by) for way, (some, by) in ways.items()}


def tabulate(found: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    print("| device graded | by | O vs rest | U vs rest | kappa | accuracy | refused outstanding |")
    print("|---|---|---|---|---|---|---|")
    means: dict[str, list[list[float]]] = {}
    for (device, way), results in found.items():
        columns = [np.array([one[metric] for one in results]) for metric in METRICS]
        means.setdefault(way, []).append([column.mean() for column in columns])
        print(f"| {device} | {way} | " + " | ".join(f"{one.mean():.3f} ± {one.std():.3f}" for one in columns) + " |")
    for way, both in means.items():
        print(f"| mean | {way} | " + " | ".join(f"{value:.3f}" for value in np.mean(both, axis=0)) + " |")


if __name__ == "__main__":
    main()
