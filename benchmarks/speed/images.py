"""The images that both programs are given: one device's, drawn once, the same in every run."""

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
"""Images of the short run that is taken from the long one, so that the start of the program does not count."""


@dataclass(frozen=True)
class Cohort:
    """Folders of image files, and the reference grades of those that are graded.

    Attributes:
        few: a folder with some of the images that are graded.
        grades: by file name.
    """

    fit: Path
    grade: Path
    few: Path
    grades: dict[str, int]

    @property
    def fitted(self) -> int:
        return len(list(self.fit.iterdir()))

    @property
    def counted_few(self) -> int:
        return len(list(self.few.iterdir()))

    def areas(self, scores: dict[str, float]) -> dict[str, float]:
        """Return the areas under the ROC curves: outstanding against the rest (O), ungradable against the rest (U)."""
        values = np.array([scores[name] for name in self.grades])
        reference = np.array(list(self.grades.values()))
        outstanding, ungradable = reference == Grade.OUTSTANDING, reference == Grade.UNGRADABLE
        return {
            "O": auroc(values[~outstanding], values[outstanding]),
            "U": auroc(values[ungradable], values[~ungradable]),
        }


def drawn(data: Path, work: Path, fitted: int, graded: tuple[int, int, int]) -> Cohort:
    """Draw the images and lay copies of them into folders.

    Args:
        fitted: outstanding images to fit on.
        graded: other outstanding, gradable and ungradable images to grade.
    """
    names = _shuffled(data)
    outstanding, gradable, ungradable = graded
    chosen = {
        Grade.OUTSTANDING: names[Grade.OUTSTANDING][fitted : fitted + outstanding],
        Grade.GRADABLE: names[Grade.GRADABLE][:gradable],
        Grade.UNGRADABLE: names[Grade.UNGRADABLE][:ungradable],
    }
    grades = {name: int(grade) for grade, some in chosen.items() for name in some}
    count = max(FEWEST, min(FEW, len(grades) // 2))
    few = [list(grades)[round(place)] for place in np.linspace(0, len(grades) - 1, count)]
    _fill(work / "fit", data, names[Grade.OUTSTANDING][:fitted])
    _fill(work / "grade", data, list(grades))
    _fill(work / "few", data, few)
    return Cohort(work / "fit", work / "grade", work / "few", grades)


def repeated(folder: Path, images: list[Path], count: int) -> None:
    """Fill a folder with as many images as wanted, by copies under other names."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(count):
        source = images[number % len(images)]
        shutil.copy(source, folder / f"{number:05d}{source.suffix}")


def _shuffled(data: Path) -> dict[Grade, list[str]]:
    """Shuffle the names of each grade, the worst grade first."""
    with (data / "grades.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["device"] == DEVICE]
    if not rows:
        raise SystemExit(f"{data}/grades.csv names no image of the device '{DEVICE}'; name another folder by --data.")
    generator = np.random.default_rng(0)
    found = {}
    for grade in Grade:
        names = [row["image"] for row in rows if row["grade"] == str(int(grade))]
        found[grade] = [str(name) for name in generator.permutation(names)]
    return found


def _fill(folder: Path, data: Path, names: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(data / "images" / name, folder / name)
