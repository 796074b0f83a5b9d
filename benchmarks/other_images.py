"""unoqa on images that are not OCTA: crops of the colour photograph of a retina that scikit-image brings along.

    python benchmarks/other_images.py FOLDER [--crops 60]

Writes FOLDER/outstanding (clean crops of the left half of the field), FOLDER/mixed (crops of the right half: a third
clean, a third damaged mildly, a third strongly) and FOLDER/labels.csv. docs/other-images.md says what to do with them.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

SIDE = 192
"""Side of a crop in pixels of the photograph, which has 1411×1411."""

LEFT, RIGHT, ROWS = (130, 700), (710, 1280), (150, 1260)
"""Columns of the two halves of the field, which share no pixel, and its rows."""

DAMAGES = ("blur", "noise", "dim", "shadow")
"""Faults that any camera knows; each crop has one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write the images")
    parser.add_argument("--crops", type=int, default=60, help="number of crops of each half")
    arguments = parser.parse_args()
    write_crops(arguments.folder, arguments.crops)


def write_crops(folder: Path, count: int) -> None:
    """Write the crops and the table of their grades (2 outstanding, 1 gradable, 0 ungradable)."""
    green = data.retina()[:, :, 1] / 255  # vessels stand out most in green light
    random = np.random.default_rng(0)
    for name in ("outstanding", "mixed"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, crop in enumerate(cut_crops(green, LEFT, count)):
        save(crop, folder / "outstanding" / f"left{number:03d}.png")
    rows = []
    for number, crop in enumerate(cut_crops(green, RIGHT, count)):
        grade = 2 - number % 3
        name = f"right{number:03d}.png"
        save(damage(crop, number, grade, random), folder / "mixed" / name)
        rows.append((name, grade))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "grade"), *rows])


def cut_crops(picture: np.ndarray, columns: tuple[int, int], count: int) -> list[np.ndarray]:
    """Cut overlapping crops at evenly spaced places of one half."""
    across = max(2, round((count / 2) ** 0.5))
    down = -(-count // across)
    tops = np.linspace(ROWS[0], ROWS[1] - SIDE, down).astype(int)
    lefts = np.linspace(columns[0], columns[1] - SIDE, across).astype(int)
    return [picture[top : top + SIDE, left : left + SIDE] for top in tops for left in lefts][:count]


def damage(crop: np.ndarray, number: int, grade: int, random: np.random.Generator) -> np.ndarray:
    """Return the crop with one fault: none for grade 2, a mild one for 1, a strong one for 0."""
    strength = {2: 0.0, 1: 0.4, 0: 1.0}[grade]
    kind = DAMAGES[number // 3 % len(DAMAGES)]
    if kind == "blur":
        return gaussian_filter(crop, 5 * strength)
    if kind == "noise":
        return crop + 0.12 * strength * random.standard_normal(crop.shape)
    if kind == "dim":
        return crop * (1 - 0.7 * strength)
    shadow = np.linspace(1, 1 - 0.9 * strength, SIDE)
    return crop * shadow


def save(crop: np.ndarray, path: Path) -> None:
    Image.fromarray((255 * crop.clip(0, 1)).round().astype(np.uint8)).save(path)


if __name__ == "__main__":
    main()
