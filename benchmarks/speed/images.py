"""The images that both programs get: those of one device, drawn at random, the same in every run."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade
from unoqa.grader.split import FEWEST

DEVICE = "rossa"
"""The device with the most images of all three grades."""

FEW = 20
"""Images of the short run; its time is subtracted from the long run's, so that the program start does not count."""


@dataclass(frozen=True)
class Cohort:
    """Folders of image files, and the reference grades of the images to grade.

    Attributes:
        few: a folder with some of the images to grade.
        grades: by file name.
    """

    fit: Path
    grade: Path
    few: Path
    grades: dict[str, int]

    @property
    def fit_count(self) -> int:
        return len(list(self.fit.iterdir()))

    @property
    def few_count(self) -> int:
        return len(list(self.few.iterdir()))

    def compute_aurocs(self, scores: dict[str, float]) -> dict[str, float]:
        """Return two AUROCs: outstanding against the rest (O), and ungradable against the rest (U)."""
        values = np.array([scores[name] for name in self.grades])
        reference = np.array(list(self.grades.values()))
        outstanding, ungradable = reference == Grade.OUTSTANDING, reference == Grade.UNGRADABLE
        return {
            "O": auroc(values[~outstanding], values[outstanding]),
            "U": auroc(values[ungradable], values[~ungradable]),
        }


def draw_cohort(data: Path, work: Path, fitted: int, graded: tuple[int, int, int]) -> Cohort:
    """Draw the images and copy them into folders.

    Args:
        fitted: outstanding images to fit on.
        graded: other outstanding, gradable and ungradable images to grade.
    """
    names = _shuffle_names(data)
    outstanding, gradable, ungradable = graded
    chosen = {
        Grade.OUTSTANDING: names[Grade.OUTSTANDING][fitted : fitted + outstanding],
        Grade.GRADABLE: names[Grade.GRADABLE][:gradable],
        Grade.UNGRADABLE: names[Grade.UNGRADABLE][:ungradable],
    }
    grades = {name: int(grade) for grade, names_of_grade in chosen.items() for name in names_of_grade}
    count = max(FEWEST, min(FEW, len(grades) // 2))
    few = [list(grades)[round(position)] for position in np.linspace(0, len(grades) - 1, count)]
    _copy_images(work / "fit", data, names[Grade.OUTSTANDING][:fitted])
    _copy_images(work / "grade", data, list(grades))
    _copy_images(work / "few", data, few)
    return Cohort(work / "fit", work / "grade", work / "few", grades)


def copy_repeatedly(images: list[Path], folder: Path, count: int) -> None:
    """Fill a folder with `count` images: copies of the given ones under other names."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(count):
        source = images[number % len(images)]
        shutil.copy(source, folder / f"{number:05d}{source.suffix}")


def _shuffle_names(data: Path) -> dict[Grade, list[str]]:
    """Return the names of each grade in random order."""
    with (data / "grades.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["device"] == DEVICE]
    if not rows:
        raise SystemExit(f"{data}/grades.csv names no image of the device '{DEVICE}'; give another folder with --data.")
    generator = np.random.default_rng(0)
    shuffled = {}
    for grade in Grade:
        names = [row["image"] for row in rows if row["grade"] == str(int(grade))]
        shuffled[grade] = [str(name) for name in generator.permutation(names)]
    return shuffled


def _copy_images(folder: Path, data: Path, names: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(data / "images" / name, folder / name)
