"""Any folder of images with one table of grades."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.drawing import checked, half_drawn
from unoqa.benchmark.datasets.parts.finding import images_below, images_in, unlabelled
from unoqa.benchmark.datasets.parts.listing import Listed, Located, by_device, header, locate, read_listing
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = ("image", "grade")

SPLITS = ("fit", "test", "external", "validation")
"""What the column `split` may say."""

HINT = "labelled-folder expects images, in folders or not, and one CSV beside them with columns image,grade."

ONLY_STUDY = "all"
"""The study's name where no device is named."""


@final
@settings
class LabelledFolder(DataSet):
    """Images and one CSV with columns image,grade; optional columns are device and split.

    The CSV lies in the folder itself, the images anywhere below: named by their paths in the folder, or by their names
    alone where those are unique. Each device is a study. Without splits (fit, test, external, validation) a seeded
    half of the outstanding images, at most 80, is fitted on, and all others are the test.
    """

    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the table and its images; what has no label is left out."""
        images = images_below(folder, HINT)
        path = _table(folder)
        listed = read_listing(path, COLUMNS)
        _check_splits(listed, path)
        located = locate(listed, images, path=path, root=folder)
        notes = tuple(filter(None, [unlabelled(len(images) - len(located))]))
        return tuple(_study(device, rows, notes, seed=seed) for device, rows in by_device(located))


def _table(folder: Path) -> Path:
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.name[0] != ".")
    found = [path for path in tables if set(COLUMNS) <= set(header(path))]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found or tables)
    if found:
        raise DataSetError(f"{folder} holds {len(found)} CSVs with columns image,grade ({names}); keep one of them.")
    raise DataSetError(f"{folder} holds no CSV with columns image,grade (but {names or 'no other'}); {HINT}")


def _check_splits(listed: Sequence[Listed], path: Path) -> None:
    """Refuse a split that does not exist."""
    for one in listed:
        if one.split and one.split not in SPLITS:
            raise DataSetError(f"Line {one.line} of {path} has split '{one.split}'; use {', '.join(SPLITS)}.")


def _study(device: str, rows: Sequence[Located], notes: tuple[str, ...], *, seed: int) -> Study:
    name = device or ONLY_STUDY
    if any(row.listed.split for row in rows):
        return checked(_as_split(name, rows, notes), "labelled-folder")
    fit, test = half_drawn([row.labelled for row in rows], f"labelled-folder, study {name}", seed=seed)
    return checked(Study(name, fit, test, notes=notes), "labelled-folder")


def _as_split(name: str, rows: Sequence[Located], notes: tuple[str, ...]) -> Study:
    to_fit, test, external, validation = (
        tuple(row.labelled for row in rows if row.listed.split == split) for split in SPLITS
    )
    fit = tuple(image.reference for image in to_fit if image.grade is Grade.OUTSTANDING)
    worse = len(to_fit) - len(fit)
    if worse:
        notes = (*notes, f"{images_in(worse)} of the split fit not outstanding, and left out.")
    return Study(name, fit, test, external, validation, notes)
