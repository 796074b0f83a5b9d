"""DRAC 2022, task B: image quality of ultra-wide OCTA; 665 labelled images of 1024×1024."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.image_search import find_images, note_left_out
from unoqa.benchmark.datasets.parts.label_file import match_images, read_label_file
from unoqa.benchmark.datasets.parts.splitting import check_study, draw_half_split
from unoqa.core.errors import DataSetError
from unoqa.core.settings import settings
from unoqa.store.tables.rows import read_header

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.formats import ImageReference

COLUMNS = ("image name", "image quality level")

LAYOUT = (
    "'B. Image Quality Assessment/1. Original Images/a. Training Set/*.png' and 'B. Image Quality Assessment/"
    "2. Groundtruths/a. DRAC2022_ Image Quality Assessment_Training Labels.csv'"
)

HINT = (
    "drac2022 is available after registration at https://drac22.grand-challenge.org; unpack it, and give the folder "
    f"that holds {LAYOUT}."
)

PUBLISHED = 665
"""Images of the training set, the only set with published labels."""

STUDY = "uw-octa"


@final
@settings
class Drac2022(DataSet):
    """Diabetic Retinopathy Analysis Challenge 2022, task B, in the layout of grand-challenge.org.

    Its levels 0 poor, 1 good, 2 excellent are our grades 0–2. Only the training set has labels, so a seeded half of
    its excellent images, at most 80, is fitted on, and all other images are the test.
    """

    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the labels, and the training set beside them."""
        images = find_images(folder, HINT)
        path = _find_labels(folder)
        root = path.parent.parent if _strip_numbering(path.parent.name) == "groundtruths" else path.parent
        training = [image for image in images if _is_training(image, root)]
        if not training:
            raise DataSetError(f"drac2022: no folder 'Training Set' with images lies below {root}; expected: {LAYOUT}.")
        table = read_label_file(path, COLUMNS)
        matched = match_images(table.rows, training, path=path, root=root)
        labelled = [match.image for match in matched]
        fit, test = draw_half_split(labelled, f"drac2022, study {STUDY}", seed=seed)
        left_out = note_left_out(len(training) - len(labelled), table.rows_without_grade)
        return (check_study(Study(STUDY, fit, test, notes=(*_note_difference(len(labelled)), *left_out)), "drac2022"),)


def _find_labels(folder: Path) -> Path:
    """Find the one table of quality levels; the tables of the other tasks have other columns."""
    tables = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".csv" and path.name[0] != ".")
    found = [path for path in tables if read_header(path, COLUMNS) == COLUMNS and "testing" not in path.name.lower()]
    if len(found) == 1:
        return found[0]
    columns = ",".join(COLUMNS)
    if not found:
        raise DataSetError(f"drac2022: no CSV below {folder} has exactly the columns {columns}; expected: {LAYOUT}.")
    raise DataSetError(f"drac2022: {' and '.join(map(str, found))} have the columns {columns}; keep one of them.")


def _is_training(image: ImageReference, root: Path) -> bool:
    """Return whether an image is of this task's training set: other tasks have images of the same names."""
    return _strip_numbering(image.path.parent.name) == "training set" and image.path.is_relative_to(root)


def _strip_numbering(name: str) -> str:
    """Return a folder's name without the number or letter before it: some teams remove it."""
    return re.sub(r"^\w\.", "", name.lower()).strip()


def _note_difference(labelled: int) -> tuple[str, ...]:
    """Return one sentence if the number of images differs from the published one; else none."""
    return () if labelled == PUBLISHED else (f"{labelled} images have labels; published: {PUBLISHED}.",)
