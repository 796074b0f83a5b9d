"""Agreement with reference grades on a folder of real images, by repeated splits; labels score, never fit.

    python benchmarks/accuracy.py --data ../shared/octa --weights ../shared/encoders/resnet18_layers123.safetensors

DATA holds `images/` and `grades.csv` with columns image,grade,device. Per device and split, some outstanding
images are fitted on, all other images are graded. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from unoqa.benchmark.agreement import confusion, kappa
from unoqa.benchmark.baselines import BASELINES
from unoqa.clusterings.kmeans import Kmeans
from unoqa.core.auroc import auroc
from unoqa.core.features import FeaturePyramid, FeatureSet
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.core.parallel import map_in_order
from unoqa.formats import collect, read
from unoqa.grader.assessment import Assessment
from unoqa.grader.cohort import Gate, grade_cohort
from unoqa.grader.open_encoders import OpenEncoders, keep
from unoqa.grader.panel import FittedPanel, Prediction
from unoqa.grader.recipe import Recipe
from unoqa.grader.split import Split
from unoqa.reductions.none import NoReduction
from unoqa.store.feature_files import FeatureFiles
from unoqa.store.workspace import Workspace
from unoqa.thresholds.conformal import Conformal

FITTED = {"rossa": 80, "octa500-6mm": 60}
"""Outstanding images fitted on, per device."""

FEWEST_LEFT = 20
"""Outstanding images left for testing on a device that is not named above."""

FIGURES = ("O", "U", "kappa", "accuracy", "refused")


@dataclass
class Device:
    """The images of one device, with their reference grades."""

    name: str
    paths: list[Path] = field(default_factory=list)
    grades: list[int] = field(default_factory=list)

    def fitted(self) -> int:
        return FITTED.get(self.name, self.grades.count(Grade.OUTSTANDING) - FEWEST_LEFT)

    def splits(self, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows to fit on and rows to test."""
        grades = np.array(self.grades)
        outstanding = np.flatnonzero(grades == Grade.OUTSTANDING)
        for seed in range(count):
            fitted = np.random.default_rng(seed).permutation(outstanding)[: self.fitted()]
            yield fitted, np.setdiff1d(np.arange(len(grades)), fitted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--recipes", nargs="*", default=["measures", "default"], help="names or TOML files")
    parser.add_argument("--splits", type=int, default=10, help="splits on which all images are graded")
    parser.add_argument("--refusal-splits", type=int, default=50, help="splits on which refusal is counted")
    arguments = parser.parse_args()
    devices = read_devices(arguments.data)
    for device in devices:
        mix = [device.grades.count(int(grade)) for grade in reversed(Grade)]
        print(f"{device.name}: {mix} outstanding / gradable / ungradable, {device.fitted()} fitted", flush=True)
    print("\n| what | device | O vs rest | U vs rest | kappa | accuracy | refused outstanding |")
    print("|---|---|---|---|---|---|---|")
    for name, number in BASELINES.items():
        show(name, {device.name: baseline(device, number, arguments.splits) for device in devices})
    for name in arguments.recipes:
        recipe = Recipe.read(name) if name.endswith(".toml") else Recipe.named(name)
        show(
            f"**{recipe.name}**",
            {
                device.name: measure(device, recipe, arguments.weights, arguments.splits, arguments.refusal_splits)
                for device in devices
            },
        )


def read_devices(data: Path) -> list[Device]:
    devices: dict[str, Device] = {}
    with (data / "grades.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            device = devices.setdefault(row["device"], Device(row["device"]))
            device.paths.append(data / "images" / row["image"])
            device.grades.append(int(row["grade"]))
    return sorted(devices.values(), key=lambda device: -len(device.paths))


def opened(device: Device) -> Iterator[EnfaceImage]:
    for path in device.paths:
        yield read(collect([path]).references[0])


def baseline(device: Device, number: Callable[[EnfaceImage, Path], float], splits: int) -> list[dict[str, float]]:
    """Grade by one number an image: conformal gate, then 2-means, as the recipes do."""
    values = np.array([number(image, path) for image, path in zip(opened(device), device.paths, strict=True)])
    found = []
    for fitted, tested in device.splits(splits):
        threshold = Conformal().fit(values[fitted])
        gate = Gate(threshold, values[fitted].std() + 1e-9)
        said = [Prediction(float(value), np.array([value]), ()) for value in values[tested]]
        found.append(figures(device, tested, said, Split("score", NoReduction(), Kmeans()), gate))
    return found


def measure(
    device: Device, recipe: Recipe, weights: Path | None, splits: int, refusal_splits: int
) -> list[dict[str, float]]:
    """Grade by a recipe; features are encoded once."""
    encoders = OpenEncoders.opened(recipe.panel.encoders(), recipe.size, device=torch.device("cpu"), weights=weights)
    wanted = len(recipe.panel.encoders())
    with Workspace() as workspace:
        files = encoders.feature_files(workspace)
        digests = []
        with map_in_order(partial(encoded, encoders, files), opened(device)) as pairs:
            for digest, pyramids in pairs:
                digests.append(digest)
                keep(pyramids, digest, files)
        sets = [file.read([file.row(digest) for digest in digests], encoders.device) for file in files[:wanted]]
        found = []
        for number, (fitted, tested) in enumerate(device.splits(max(splits, refusal_splits))):
            panel, unseen = recipe.panel.fit([one.subset(fitted) for one in sets], seed=0)
            gate = Gate(recipe.threshold.fit(unseen.scores), unseen.scores.std())
            if number < splits:
                found.append(figures(device, tested, predictions(panel, sets, tested), recipe.split, gate))
            else:
                good = tested[np.array(device.grades)[tested] == Grade.OUTSTANDING]
                refused = [not gate.passes(prediction.score) for prediction in predictions(panel, sets, good)]
                found.append({"refused": float(np.mean(refused))})
            print(f"\r{device.name} {number + 1}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def encoded(
    encoders: OpenEncoders, files: Sequence[FeatureFiles], image: EnfaceImage
) -> tuple[str, list[FeaturePyramid | None]]:
    digest = image.digest()
    return digest, encoders.encoded(image, digest, files)


def predictions(panel: FittedPanel, sets: list[FeatureSet], rows: np.ndarray) -> list[Prediction]:
    batches = [one.subset(rows).batches(size=1) for one in sets]
    with map_in_order(panel.predict, zip(*batches, strict=True)) as judged:
        return list(judged)


def figures(device: Device, tested: np.ndarray, found: list[Prediction], split: Split, gate: Gate) -> dict[str, float]:
    reference = np.array(device.grades)[tested]
    values = np.array([prediction.score for prediction in found])
    assessed = [Assessment("", prediction.score, split.represent(prediction), ()) for prediction in found]
    result, _ = grade_cohort(assessed, gate, split, seed=0)
    # Where too few are refused to be split, all of those count as gradable.
    given = np.array([int(Grade.GRADABLE if one.grade is None else one.grade) for one in result.gradings])
    return {
        "O": auroc(values[reference != Grade.OUTSTANDING], values[reference == Grade.OUTSTANDING]),
        "U": auroc(values[reference == Grade.UNGRADABLE], values[reference != Grade.UNGRADABLE]),
        "kappa": kappa(confusion(reference, given)),
        "accuracy": float((reference == given).mean()),
        "refused": float((given[reference == Grade.OUTSTANDING] != Grade.OUTSTANDING).mean()),
    }


def show(name: str, by_device: dict[str, list[dict[str, float]]]) -> None:
    means = []
    for device, found in by_device.items():
        columns = [np.array([one[figure] for one in found if figure in one]) for figure in FIGURES]
        means.append([column.mean() for column in columns])
        cells = " | ".join(f"{column.mean():.3f} ± {column.std():.3f}" for column in columns)
        print(f"| {name} | {device} | {cells} |")
    print(
        f"| {name} | mean | " + " | ".join(f"{value:.3f}" for value in np.mean(means, axis=0)) + " |",
        flush=True,
    )


if __name__ == "__main__":
    main()
