"""Agreement with reference grades on a folder of real images, over repeated splits; labels score, never fit.

    python benchmarks/accuracy.py --data ../shared/octa --weights ../shared/encoders/resnet18_layers123.safetensors

DATA holds `images/` and `grades.csv` with columns image,grade,device. For each device and split, some outstanding
images are fitted on, and all other images are graded. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.benchmark.baselines import BASELINES
from unoqa.clusterings.kmeans import Kmeans
from unoqa.core.assessment import Assessment, Failure
from unoqa.core.auroc import auroc
from unoqa.core.features import FeatureSet
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.core.parallel import map_in_order
from unoqa.formats import collect, read
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.cohort import FittedThreshold, grade_cohort
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.panel import FittedPanel, Prediction
from unoqa.grader.recipe import Recipe
from unoqa.grader.source import LazyImage
from unoqa.grader.split import Split
from unoqa.reductions.none import NoReduction
from unoqa.store.workspace import Workspace
from unoqa.thresholds.conformal import Conformal

FIT_COUNTS = {"rossa": 80, "octa500-6mm": 60}
"""Number of outstanding images to fit on, per device."""

MIN_TEST_OUTSTANDING = 20
"""Number of outstanding images left for the test on other devices."""

RECIPES = ["measures", "default", "default-resnet18"]
"""Recipes of the first table of docs/accuracy.md."""

METRICS = ("O", "U", "kappa", "accuracy", "refused")


@dataclass
class Device:
    """The images of one device, with their reference grades."""

    name: str
    paths: list[Path] = field(default_factory=list)
    grades: list[int] = field(default_factory=list)

    @property
    def fit_count(self) -> int:
        """Number of outstanding images to fit on."""
        return FIT_COUNTS.get(self.name, self.grades.count(Grade.OUTSTANDING) - MIN_TEST_OUTSTANDING)

    def split(self, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield, for each seed below `count`, the rows to fit on and the rows to test."""
        grades = np.array(self.grades)
        outstanding = np.flatnonzero(grades == Grade.OUTSTANDING)
        for seed in range(count):
            fitted = np.random.default_rng(seed).permutation(outstanding)[: self.fit_count]
            yield fitted, np.setdiff1d(np.arange(len(grades)), fitted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--recipes", nargs="*", default=RECIPES, help="names or TOML files")
    parser.add_argument("--splits", type=int, default=10, help="splits on which all images are graded")
    parser.add_argument("--refusal-splits", type=int, default=50, help="splits on which refusal is counted")
    arguments = parser.parse_args()
    devices = read_devices(arguments.data)
    for device in devices:
        counts = [device.grades.count(int(grade)) for grade in reversed(Grade)]
        print(f"{device.name}: {counts} outstanding / gradable / ungradable, {device.fit_count} fitted", flush=True)
    print("\n| what | device | O vs rest | U vs rest | kappa | accuracy | refused outstanding |")
    print("|---|---|---|---|---|---|---|")
    for name, baseline in BASELINES.items():
        print_rows(name, {device.name: grade_by_baseline(device, baseline, arguments.splits) for device in devices})
    for name in arguments.recipes:
        recipe = Recipe.read(name) if name.endswith(".toml") else Recipe.named(name)
        print_rows(
            f"**{recipe.name}**",
            {
                device.name: grade_by_recipe(
                    device, recipe, arguments.weights, arguments.splits, arguments.refusal_splits
                )
                for device in devices
            },
        )


def read_devices(data: Path) -> list[Device]:
    """Read the devices, the one with most images first."""
    devices: dict[str, Device] = {}
    with (data / "grades.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            device = devices.setdefault(row["device"], Device(row["device"]))
            device.paths.append(data / "images" / row["image"])
            device.grades.append(int(row["grade"]))
    return sorted(devices.values(), key=lambda device: -len(device.paths))


def read_image(path: Path) -> EnfaceImage:
    return read(collect([path]).references[0])


def grade_by_baseline(
    device: Device, baseline: Callable[[EnfaceImage, Path], float], splits: int
) -> list[dict[str, float]]:
    """Grade by one number per image: conformal threshold, then 2-means, as the recipes do."""
    values = np.array([baseline(read_image(path), path) for path in device.paths])
    results = []
    for fitted, tested in device.split(splits):
        threshold = FittedThreshold(Conformal().fit(values[fitted]), values[fitted].std() + 1e-9)
        predictions = [Prediction(float(value), np.array([value]), ()) for value in values[tested]]
        split = Split("score", NoReduction(), Kmeans())
        results.append(compute_metrics(device, tested, predictions, split, threshold))
    return results


def grade_by_recipe(
    device: Device, recipe: Recipe, weights: Path | None, splits: int, refusal_splits: int
) -> list[dict[str, float]]:
    """Grade by a recipe; features are encoded once."""
    used = recipe.panel.encoders()
    encoders = OpenEncoders.open(used, recipe.size, device=torch.device("cpu"), weights=weights)
    with Workspace() as workspace:
        features = encode_images(device, CachedFeatures(encoders, workspace), len(used))
        results = []
        for number, (fitted, tested) in enumerate(device.split(max(splits, refusal_splits))):
            panel, held_out = recipe.panel.fit([one.subset(fitted) for one in features], seed=0)
            threshold = FittedThreshold(recipe.threshold.fit(held_out.scores), held_out.scores.std())
            if number < splits:
                predictions = predict_rows(panel, features, tested)
                results.append(compute_metrics(device, tested, predictions, recipe.split, threshold))
            else:
                outstanding = tested[np.array(device.grades)[tested] == Grade.OUTSTANDING]
                predictions = predict_rows(panel, features, outstanding)
                refused = [not threshold.passes(prediction.score) for prediction in predictions]
                results.append({"refused": float(np.mean(refused))})
            print(f"\r{device.name} {number + 1}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def encode_images(device: Device, cache: CachedFeatures, encoders: int) -> list[FeatureSet]:
    """Return the features of a device's images by each of the panel's encoders."""
    digests = []
    with cache.encode(LazyImage(path.name, partial(read_image, path)) for path in device.paths) as results:
        for result in results:
            if isinstance(result, Failure):
                raise SystemExit(f"{result.message} Remove it from the data.")
            digests.append(result)
    return [cache.read(encoder, digests) for encoder in range(encoders)]


def predict_rows(panel: FittedPanel, features: list[FeatureSet], rows: np.ndarray) -> list[Prediction]:
    batches = [one.subset(rows).batches(size=1) for one in features]
    with map_in_order(panel.predict, zip(*batches, strict=True)) as predictions:
        return list(predictions)


def compute_metrics(
    device: Device, tested: np.ndarray, predictions: list[Prediction], split: Split, threshold: FittedThreshold
) -> dict[str, float]:
    reference = np.array(device.grades)[tested]
    scores = np.array([prediction.score for prediction in predictions])
    assessed = [Assessment("", prediction.score, point=split.represent(prediction)) for prediction in predictions]
    result, _ = grade_cohort(assessed, threshold, split, seed=0)
    # If too few images are refused for a split, they all count as gradable.
    given = [Grade.GRADABLE if grading.grade is None else grading.grade for grading in result.gradings]
    predicted = np.array([int(grade) for grade in given])
    return {
        "O": auroc(scores[reference != Grade.OUTSTANDING], scores[reference == Grade.OUTSTANDING]),
        "U": auroc(scores[reference == Grade.UNGRADABLE], scores[reference != Grade.UNGRADABLE]),
        "kappa": kappa(confusion_matrix(reference, predicted)),
        "accuracy": float((reference == predicted).mean()),
        "refused": float((predicted[reference == Grade.OUTSTANDING] != Grade.OUTSTANDING).mean()),
    }


def print_rows(name: str, by_device: dict[str, list[dict[str, float]]]) -> None:
    """Print one row per device, with mean and standard deviation over the splits, and their mean."""
    means = []
    for device, splits in by_device.items():
        columns = [np.array([split[metric] for split in splits if metric in split]) for metric in METRICS]
        means.append([column.mean() for column in columns])
        cells = " | ".join(f"{column.mean():.3f} ± {column.std():.3f}" for column in columns)
        print(f"| {name} | {device} | {cells} |")
    print(
        f"| {name} | mean | " + " | ".join(f"{value:.3f}" for value in np.mean(means, axis=0)) + " |",
        flush=True,
    )


if __name__ == "__main__":
    main()
