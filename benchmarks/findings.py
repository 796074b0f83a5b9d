"""How well the findings' measures tell scans with a named defect from those without it; labels score, never fit.

    python benchmarks/findings.py --data ../shared/octa

For each device, outstanding scans of the first split of `accuracy.py` are fitted. A scan is positive if both readings
of the reference set name the defect, negative if neither does; others are left out. The table goes to stdout, in
Markdown: the area under the ROC curve of the strongest of the measures, with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from accuracy import Device, encode_images, read_devices

from unoqa.core.auroc import auroc
from unoqa.encoders.measures import Measures
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.findings import FittedFindings
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.store.workspace import Workspace

MEASURES = {
    "dim": ("brightness", "illumination", "vessel_signal", "capillary_signal", "black_area"),
    "blink": ("missing_area",),
    "motion": ("row_steps", "column_steps", "displaced_rows", "displaced_columns"),
    "noise": ("speckle",),
    "blur": ("defocus", "sharpness"),
    "offcentre": ("centring",),
}
"""By which measures each defect of the reference set is found."""

DRAWS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    with (given.data / "grades.csv").open(encoding="utf-8") as file:
        named = {
            row["image"]: [set(row[key].split("+")) for key in ("defects_a", "defects_b")]
            for row in csv.DictReader(file)
        }
    print("| defect | measures | device | scans with / without | AUROC |")
    print("|---|---|---|---|---|")
    for device in read_devices(given.data):
        fitted, tested = next(iter(device.split(1)))
        strengths = measure(device, fitted)
        for defect, measures in MEASURES.items():
            both = [row for row in tested if all(defect in one for one in named[device.paths[row].name])]
            neither = [row for row in tested if not any(defect in one for one in named[device.paths[row].name])]
            if len(both) > 1:
                score = np.max([strengths[name] for name in measures], axis=0)
                cells = f"{', '.join(measures)} | {device.name} | {len(both)} / {len(neither)}"
                print(f"| {defect} | {cells} | {describe_area(score[both], score[neither])} |", flush=True)


def measure(device: Device, fitted: np.ndarray) -> dict[str, np.ndarray]:
    """Return, per measure, its strength in each scan of a device."""
    encoders = OpenEncoders.open([Measures()], 320, device=torch.device("cpu"), weights=None)
    with Workspace() as workspace:
        features = encode_images(device, CachedFeatures(encoders, workspace), 1)[0]
        findings = FittedFindings.fit(features.subset(fitted))
        strengths = np.array([findings.measure_strengths(one) for one in features.batches(size=1)])
    return dict(zip(findings.names, strengths.T, strict=True))


def describe_area(positive: np.ndarray, negative: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    draws = [auroc(rng.choice(positive, len(positive)), rng.choice(negative, len(negative))) for _ in range(DRAWS)]
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"{auroc(positive, negative):.3f} ({low:.2f}–{high:.2f})"


if __name__ == "__main__":
    main()
