"""The reference set of this project: real images of several devices, with grades and devices in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.drawing import checked, count, drawn
from unoqa.benchmark.datasets.parts.finding import images_below, unlabelled
from unoqa.benchmark.datasets.parts.listing import Located, by_device, locate, read_listing
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = ("image", "grade", "device")

HINT = "reference-set expects images/ and grades.csv with columns image,grade,device."

FITTED = {"rossa": 80, "octa500-6mm": 60}
"""Outstanding images fitted on, per device."""

FEWEST_LEFT = 20
"""Outstanding images left for testing on a device that is not named above."""


@final
@settings
class ReferenceSet(DataSet):
    """`images/` and `grades.csv` with columns image,grade,device; each device is a study.

    A seeded draw of outstanding images is fitted on (80 of rossa, 60 of octa500-6mm, all but 20 of another device), and
    all other images are the test: the splits of docs/accuracy.md.
    """

    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the devices, the one with most images first."""
        root, path = folder / "images", folder / "grades.csv"
        images = images_below(root, HINT)
        located = locate(read_listing(path, COLUMNS), images, path=path, root=root)
        notes = tuple(filter(None, [unlabelled(len(images) - len(located))]))
        return tuple(_study(device, rows, notes, seed=seed) for device, rows in by_device(located))


def _study(device: str, rows: Sequence[Located], notes: tuple[str, ...], *, seed: int) -> Study:
    images = [row.labelled for row in rows]
    outstanding = count(images, Grade.OUTSTANDING)
    needed = FITTED.get(device, FEWEST_LEFT) + 1
    if outstanding < needed:
        raise DataSetError(
            f"reference-set, study {device}: {outstanding} of {len(images)} images are outstanding; at least {needed} "
            "are needed."
        )
    fit, test = drawn(images, FITTED.get(device, outstanding - FEWEST_LEFT), seed=seed)
    return checked(Study(device, fit, test, notes=notes), "reference-set")
