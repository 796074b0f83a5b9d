"""Procedural scans of known grade, for trying everything where no data set is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.drawing import checked
from unoqa.benchmark.datasets.parts.finding import images_below
from unoqa.benchmark.datasets.parts.listing import locate, read_listing
from unoqa.benchmark.phantom.folder import write
from unoqa.core.errors import DataSetError
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("image", "grade")

PARTS = ("outstanding", "clinic", "labels.csv")

HINT = "phantom expects outstanding/*.png, clinic/*.png and labels.csv; name a new folder to have them drawn."


@final
@settings
class Phantom(DataSet):
    """Drawn scans with planted damage: `outstanding/` is fitted on, `clinic/` is the test.

    A folder that does not exist, or is empty, is filled first.
    """

    outstanding: Annotated[int, Field(ge=1, description="scans drawn to fit on")] = 60
    clinic: Annotated[
        tuple[int, int, int], Field(description="scans drawn to test: outstanding, gradable, ungradable")
    ] = (30, 60, 30)
    size: Annotated[int, Field(ge=32, description="side of a drawn scan in pixels")] = 320

    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the scans; `seed` is used only where they are drawn."""
        notes = self._drawn(folder, seed) if not folder.exists() or _is_empty(folder) else ()
        missing = [part for part in PARTS if not (folder / part).exists()]
        if missing:
            raise DataSetError(f"{folder} has no {', '.join(missing)}; {HINT}")
        images = images_below(folder, HINT)
        fit, clinic = (
            tuple(image for image in images if image.path.is_relative_to(folder / part)) for part in PARTS[:2]
        )
        path = folder / "labels.csv"
        test = locate(read_listing(path, COLUMNS), clinic, path=path, root=folder / "clinic")
        return (checked(Study("phantom", fit, tuple(one.labelled for one in test), notes=notes), "phantom"),)

    def _drawn(self, folder: Path, seed: int) -> tuple[str]:
        write(folder, outstanding_to_fit=self.outstanding, clinic=self.clinic, seed=seed, size=self.size)
        return (f"{self.outstanding + sum(self.clinic)} scans were drawn into {folder} with seed {seed}.",)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
