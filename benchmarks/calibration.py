"""What `unoqa calibrate` gains: agreement with reference grades before and after some of them set the borders.

    python benchmarks/calibration.py --data ../shared/octa [--recipes measures default] [--labels 40 60]

The splits are those of benchmarks/accuracy.py. In each, all images that are not fitted on are graded as a cohort; some,
drawn at random, set the borders by their reference grades; kappa is that of all others. Where the cross-validation says
that nothing is gained, the model stays as it is. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from accuracy import Device, encode_images, predict_rows, read_devices

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.benchmark.calibration.borders import Scored, fit_borders
from unoqa.benchmark.calibration.expectation import cross_validate
from unoqa.core.assessment import Assessment
from unoqa.core.grading import Grade
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.cohort import FittedThreshold, grade_cohort
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.recipe import Recipe
from unoqa.store.workspace import Workspace

COLUMNS = (
    "kappa before", "after", "refused where nothing is gained", "calibrated", "expected before", "expected after",
    "outstanding refused before", "after",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipes", nargs="*", default=["measures", "default"])
    parser.add_argument("--labels", nargs="*", type=int, default=[40, 60])
    parser.add_argument("--splits", type=int, default=10)
    given = parser.parse_args()
    print(f"| recipe | labels | device | {' | '.join(COLUMNS)} |\n|---|---|---|{'---|' * len(COLUMNS)}")
    for name in given.recipes:
        found: dict[int, list[np.ndarray]] = {labels: [] for labels in given.labels}
        for device in read_devices(given.data):
            cohorts = list(grade_cohorts(device, Recipe.named(name), given.splits))
            for labels, means in found.items():
                rows = [measure(*cohort, labels, seed) for seed, cohort in enumerate(cohorts)]
                means.append(np.mean(rows, axis=0))
                print_row(name, labels, device.name, means[-1])
        for labels, means in found.items():
            print_row(name, labels, "mean", np.mean(means, axis=0))


def grade_cohorts(device: Device, recipe: Recipe, splits: int) -> Iterator[tuple[Scored, np.ndarray]]:
    """Yield, for each split, the graded images and their reference grades."""
    used = recipe.panel.encoders()
    encoders = OpenEncoders.open(used, recipe.size, device=torch.device("cpu"), weights=None)
    with Workspace() as workspace:
        features = encode_images(device, CachedFeatures(encoders, workspace), len(used))
        for fitted, tested in device.split(splits):
            panel, held_out = recipe.panel.fit([one.subset(fitted) for one in features], seed=0)
            threshold = FittedThreshold.fit(recipe.threshold, held_out.scores, seed=0)
            predictions = predict_rows(panel, features, tested)
            assessed = [Assessment("", one.score, point=recipe.split.represent(one)) for one in predictions]
            result, _ = grade_cohort(assessed, threshold, recipe.split, seed=0)
            grades = np.array([int(grading.grade) for grading in result.gradings])
            yield Scored(np.array([one.score for one in predictions]), grades), np.array(device.grades)[tested]


def measure(run: Scored, reference: np.ndarray, labels: int, seed: int) -> list[float]:
    """Return the columns of the table."""
    chosen = np.zeros(len(run), dtype=bool)
    chosen[np.random.default_rng(seed).choice(len(run), labels, replace=False)] = True
    labelled = Scored(run.scores[chosen], reference[chosen])
    expectation = cross_validate(labelled, run.grades[chosen], run, seed=0)
    grades = fit_borders(labelled, run, seed=0).grade(run.scores)

    def agree(given: np.ndarray) -> float:
        return kappa(confusion_matrix(reference[~chosen], given[~chosen]))

    def refuse(given: np.ndarray) -> float:
        return float(np.mean(given[reference == Grade.OUTSTANDING] != Grade.OUTSTANDING))

    kept = grades if expectation.gains else run.grades
    return [
        agree(run.grades), agree(grades), agree(kept), expectation.gains,
        expectation.before.value, expectation.after.value, refuse(run.grades), refuse(kept),
    ]  # fmt: skip


def print_row(name: str, labels: int, device: str, means: np.ndarray) -> None:
    cells = " | ".join(f"{mean:.3f}" for mean in means)
    print(f"| {name} | {labels} | {device} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
