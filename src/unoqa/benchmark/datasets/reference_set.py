"""The reference set of this project: real images of several devices, with grades and devices in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.image_search import find_images, note_left_out
from unoqa.benchmark.datasets.parts.label_file import MatchedRow, group_by_device, match_images, read_label_file
from unoqa.benchmark.datasets.parts.splitting import check_study, count_grade, draw_split
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = ("image", "grade", "device")

HINT = "reference-set expects images/ and grades.csv with columns image,grade,device."

FIT_COUNTS = {"rossa": 80, "octa500-6mm": 60}
"""Number of outstanding images to fit on, per device."""

MIN_TEST_OUTSTANDING = 20
"""Number of outstanding images left for testing, for a device that is not named above."""


@final
@settings
class ReferenceSet(DataSet):
    """`images/` and `grades.csv` with columns image,grade,device; each device is a study.

    A seeded draw of outstanding images is fitted on (80 of rossa, 60 of octa500-6mm, all but 20 of another device), and
    all other images are the test: the splits of docs/accuracy.md.
    """

    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the devices; the one with the most images comes first."""
        root, path = folder / "images", folder / "grades.csv"
        images = find_images(root, HINT)
        table = read_label_file(path, COLUMNS)
        matched = match_images(table.rows, images, path=path, root=root)
        notes = note_left_out(len(images) - len(matched), table.rows_without_grade)
        return tuple(_make_study(device, rows, notes, seed=seed) for device, rows in group_by_device(matched))


def _make_study(device: str, matched: Sequence[MatchedRow], notes: tuple[str, ...], *, seed: int) -> Study:
    images = [match.image for match in matched]
    outstanding = count_grade(images, Grade.OUTSTANDING)
    needed = FIT_COUNTS.get(device, MIN_TEST_OUTSTANDING) + 1
    if outstanding < needed:
        raise DataSetError(
            f"reference-set, study {device}: {outstanding} of {len(images)} images are outstanding; at least {needed} "
            "are needed."
        )
    fit, test = draw_split(images, FIT_COUNTS.get(device, outstanding - MIN_TEST_OUTSTANDING), seed=seed)
    return check_study(Study(device, fit, test, notes=notes), "reference-set")
