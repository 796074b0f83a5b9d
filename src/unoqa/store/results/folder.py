"""What lies in a results folder, and what may be taken away from it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from unoqa.core.errors import ResultsError
from unoqa.store.file_names import find_clashes, make_portable_path, make_short_digest
from unoqa.store.files import SYSTEM_FILES, remove_partial
from unoqa.store.results.database import RECORD
from unoqa.store.results.legacy import UNFINISHED, is_legacy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

HEAT = "heat"
"""The folder of the overlays."""

SUFFIX = ".png"
"""What the file of an overlay has after the name of its image."""

LOCK = ".lock"
"""Held by the process that grades into the folder."""

WATCHING = ".watching"
"""Held by the process that watches another folder for this one, from its start to its end."""

MADE_LATER = ("cohort.png", "report.html", "evaluation.md", "evaluation.json")
"""Views that are made from finished grades and say nothing about other grades."""


def is_results(folder: Path) -> bool:
    """Tell whether a folder holds results, of this version or of 0.1.0."""
    return (folder / RECORD).is_file() or is_legacy(folder)


def make_folder(folder: Path) -> None:
    """Make a results folder, or check that it is empty or holds results.

    Raises:
        ResultsError: it is a file, or holds something else or results of 0.1.0.
    """
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder for the results.")
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / RECORD).is_file():
        return
    if is_legacy(folder) or (folder / UNFINISHED).is_dir():
        raise ResultsError(
            f"{folder} holds results of unoqa 0.1.0, which can be evaluated but not continued; name a new folder."
        )
    if any(entry.name.lower() not in SYSTEM_FILES and entry.name not in (LOCK, WATCHING) for entry in folder.iterdir()):
        raise ResultsError(f"{folder} holds something that is not a result of unoqa; name a new folder.")


def heat_path(folder: Path, name: str) -> Path:
    """Return the file of an image's overlay: the image's name below `heat/`, with `.png` after it.

    Parts of the name that some system forbids in file names are replaced by their digest. If `separate_overlays` made
    a folder for the overlay, it is in that folder.
    """
    path = make_portable_path(name, SUFFIX)
    own = _own_folder(folder, name)
    return own / path.name if own.is_dir() else folder / HEAT / path


def separate_overlays(folder: Path, names: Collection[str]) -> list[str]:
    """Make a folder for each overlay that some system would write to the file of another; return those names."""
    clashing = find_clashes(frozenset(names), SUFFIX)
    for name in clashing:
        _own_folder(folder, name).mkdir(parents=True, exist_ok=True)
    return clashing


def remove_stale(folder: Path, failed: Iterable[str], *, heat: bool, views: bool = True) -> None:
    """Remove what an earlier run left that new grades contradict.

    Args:
        failed: names of the images that have no overlay.
        heat: whether the run makes overlays.
        views: whether views that are made after the run say something else than its grades.
    """
    for name in MADE_LATER if views else ():
        (folder / name).unlink(missing_ok=True)
    if not heat and (folder / HEAT).is_dir():
        shutil.rmtree(folder / HEAT)
    for name in failed:
        heat_path(folder, name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half written."""
    remove_partial([*folder.glob("*.part"), *(folder / HEAT).rglob("*.part")])


def _own_folder(folder: Path, name: str) -> Path:
    return folder / HEAT / make_short_digest(name)
