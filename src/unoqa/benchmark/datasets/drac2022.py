"""DRAC 2022, task B: image quality of ultra-wide OCTA; 665 labelled images of 1024×1024."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.drawing import checked, half_drawn
from unoqa.benchmark.datasets.parts.finding import images_below, unlabelled
from unoqa.benchmark.datasets.parts.listing import header, locate, read_listing
from unoqa.core.errors import DataSetError
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.formats import ImageReference

COLUMNS = ("image name", "image quality level")

LAYOUT = (
    "'B. Image Quality Assessment/1. Original Images/a. Training Set/*.png' and 'B. Image Quality Assessment/"
    "2. Groundtruths/a. DRAC2022_ Image Quality Assessment_Training Labels.csv'"
)

HINT = (
    "drac2022 is given to those who register at https://drac22.grand-challenge.org; unpack it, and name the folder "
    f"that holds {LAYOUT}."
)

PUBLISHED = 665
"""Images of the training set, the only one whose labels were given out."""

STUDY = "uw-octa"


@final
@settings
class Drac2022(DataSet):
    """Diabetic Retinopathy Analysis Challenge 2022, task B, as grand-challenge.org gives it out.

    Its levels 0 poor, 1 good, 2 excellent are ours. Labels are known of the training set only, so a seeded half of
    its excellent images, at most 80, is fitted on, and all others are the test.
    """

    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the labels, and the training set beside them."""
        images = images_below(folder, HINT)
        path = _labels(folder)
        root = path.parent.parent if _bare(path.parent.name) == "groundtruths" else path.parent
        training = [image for image in images if _is_training(image, root)]
        if not training:
            raise DataSetError(f"drac2022: below {root} is no folder 'Training Set' with images; expected is {LAYOUT}.")
        located = locate(read_listing(path, COLUMNS), training, path=path, root=root)
        labelled = [one.labelled for one in located]
        fit, test = half_drawn(labelled, f"drac2022, study {STUDY}", seed=seed)
        notes = (_differing(len(labelled)), unlabelled(len(training) - len(labelled)))
        return (checked(Study(STUDY, fit, test, notes=tuple(filter(None, notes))), "drac2022"),)


def _labels(folder: Path) -> Path:
    """Find the one table of quality levels; tables of the other tasks have other columns."""
    tables = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".csv" and path.name[0] != ".")
    found = [path for path in tables if header(path) == COLUMNS and "testing" not in path.name.lower()]
    if len(found) == 1:
        return found[0]
    columns = ",".join(COLUMNS)
    if not found:
        raise DataSetError(f"drac2022: no CSV below {folder} has just the columns {columns}; expected is {LAYOUT}.")
    raise DataSetError(f"drac2022: {' and '.join(map(str, found))} have the columns {columns}; keep one of them.")


def _is_training(image: ImageReference, root: Path) -> bool:
    """Tell an image of this task's training set: other tasks have images of the same names."""
    return _bare(image.path.parent.name) == "training set" and image.path.is_relative_to(root)


def _bare(name: str) -> str:
    """Return a folder's name without the number or letter before it: teams keep it or not."""
    return re.sub(r"^\w\.", "", name.lower()).strip()


def _differing(labelled: int) -> str:
    """Return one sentence if there are other numbers of images than were published."""
    return "" if labelled == PUBLISHED else f"{labelled} images have labels; published are {PUBLISHED}."
