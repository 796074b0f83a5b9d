"""Recognise which data set a folder holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.benchmark.datasets import DATASETS
from unoqa.core.errors import DataSetError, unknown_name_error

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.datasets import DataSet

SEARCH_ORDER = ("reference_set", "octa25k", "drac2022", "phantom", "labelled_folder")
"""The most specific layout comes first; a folder of any images with a CSV comes last."""


def recognise_dataset(name: str | None, folder: Path) -> tuple[str, DataSet]:
    """Return the name and layout of the named data set, or of the first one whose layout the folder has.

    Raises:
        UsageError: there is no data set of that name.
        DataSetError: no name is given, and the folder is missing or has no known layout.
    """
    if name is not None:
        known = {choice.replace("_", "-"): choice for choice in DATASETS.names()}
        if name.replace("_", "-") not in known:
            raise unknown_name_error("data set", name, known)
        return name.replace("_", "-"), DATASETS.load(known[name.replace("_", "-")])()
    if not folder.is_dir():
        raise DataSetError(
            f"There is no folder {folder}; check its spelling, or choose the data set 'phantom', which draws scans."
        )
    why = None
    for choice in SEARCH_ORDER if any(folder.iterdir()) else ():
        layout = DATASETS.load(choice)()
        try:
            layout.find_studies(folder, seed=0)
        except DataSetError as error:
            why = error
            continue
        return choice.replace("_", "-"), layout
    if why is not None and any(folder.glob("*.csv")):
        raise why  # the last layout is any folder with a table: its sentence says what is wrong with this one
    names = ", ".join(choice.replace("_", "-") for choice in SEARCH_ORDER)
    raise DataSetError(
        f"The layout of {folder} fits no known data set ({names}); name one with --dataset to see what is missing."
    )
