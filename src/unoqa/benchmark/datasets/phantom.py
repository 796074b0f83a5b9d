"""Synthetic scans of known grade, to try everything without a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.image_search import find_images, note_left_out
from unoqa.benchmark.datasets.parts.label_file import match_images, read_label_file
from unoqa.benchmark.datasets.parts.splitting import check_study
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.core.errors import DataSetError
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("image", "grade")

PARTS = ("outstanding", "clinic", "labels.csv")

HINT = "phantom expects outstanding/*.png, clinic/*.png and labels.csv; give a new folder, and unoqa draws them."


@final
@settings
class Phantom(DataSet):
    """Synthetic scans with known damage: `outstanding/` to fit on, `clinic/` to test.

    A folder that does not exist, or is empty, is filled first.
    """

    outstanding: Annotated[int, Field(ge=1, description="number of scans drawn to fit on")] = 60
    clinic: Annotated[
        tuple[int, int, int],
        Field(description="numbers of scans drawn to test: outstanding, gradable, ungradable"),
    ] = (30, 60, 30)
    size: Annotated[int, Field(ge=32, description="side of a scan in pixels")] = 320

    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the scans, or draw them with `seed`; scans found in the folder do not depend on it."""
        notes = self._draw(folder, seed) if not folder.exists() or _is_empty(folder) else ()
        missing = [part for part in PARTS if not (folder / part).exists()]
        if missing:
            raise DataSetError(f"{folder} has no {', '.join(missing)}; {HINT}")
        images = find_images(folder, HINT)
        fit, clinic = (
            tuple(image for image in images if image.path.is_relative_to(folder / part)) for part in PARTS[:2]
        )
        path = folder / "labels.csv"
        table = read_label_file(path, COLUMNS)
        matched = match_images(table.rows, clinic, path=path, root=folder / "clinic")
        notes += note_left_out(len(clinic) - len(matched), table.rows_without_grade)
        test = tuple(match.image for match in matched)
        return (check_study(Study("phantom", fit, test, notes=notes), "phantom"),)

    def _draw(self, folder: Path, seed: int) -> tuple[str, ...]:
        write_phantom(folder, outstanding_to_fit=self.outstanding, clinic=self.clinic, seed=seed, size=self.size)
        return (f"{self.outstanding + sum(self.clinic)} scans were drawn into {folder} with seed {seed}.",)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
