"""Which data set a folder holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.benchmark.datasets import DATASETS
from unoqa.core.errors import DataSetError, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.datasets import DataSet

TRIED = ("reference_set", "octa25k", "drac2022", "phantom", "labelled_folder")
"""The most particular layout first; a folder of any images with a CSV comes last."""


def opened(name: str | None, folder: Path) -> tuple[str, DataSet]:
    """Return the layout named, or the first that the folder has.

    Raises:
        UsageError: there is no layout of that name.
        DataSetError: none is named, and there is no such folder or none fits.
    """
    if name is not None:
        known = {choice.replace("_", "-"): choice for choice in DATASETS.names()}
        if name.replace("_", "-") not in known:
            raise unknown("data set", name, known)
        return name.replace("_", "-"), DATASETS.load(known[name.replace("_", "-")])()
    if not folder.is_dir():
        raise DataSetError(f"There is no folder {folder}; check its spelling, or have it drawn: --dataset phantom.")
    for choice in TRIED if any(folder.iterdir()) else ():
        layout = DATASETS.load(choice)()
        try:
            layout.studies(folder, seed=0)
        except DataSetError:
            continue
        return choice.replace("_", "-"), layout
    shown = ", ".join(choice.replace("_", "-") for choice in TRIED)
    raise DataSetError(
        f"{folder} is laid out like none of the data sets that are known ({shown}); name one with --dataset to read "
        "what it lacks."
    )
