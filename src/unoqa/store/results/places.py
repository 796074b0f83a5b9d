"""The images of a record, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ResultsError
from unoqa.store.hidden_names import reveal_path
from unoqa.store.results.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


@final
@dataclass(frozen=True)
class ImageEntry:
    """One image as it was named: its name, and where it lay.

    Attributes:
        path: empty for an image in memory; in a record it may be hidden, see `unoqa.store.hidden_names`.
        page: from 0.
    """

    name: str
    path: str = ""
    page: int = 0


def find_place(folder: Path, entry: ImageEntry, root: str, images: Path | None) -> Path:
    """Return the file of an image.

    Args:
        folder: of the results.
        entry: of the image, as it is in the record.
        root: the folder that held all images when they were graded; it and the entry's path may be hidden.
        images: the folder where the images lie now; None if they lie where they lay.

    Raises:
        ResultsError: the record does not say where the image lay, this machine does not know what a hidden path stands
            for, or the image lay outside the folder of the others.
    """
    if not entry.path:
        raise ResultsError(f"{folder} does not say where the image {entry.name} lay; grade the images again.")
    try:
        path, root_path = reveal_path(entry.path), reveal_path(root)
    except ValueError as error:
        raise ResultsError(f"{folder} names no possible place of {entry.name}; grade the images again.") from error
    if path is None or root_path is None:
        raise ResultsError(
            f"The names in {folder} are hashed, and this machine does not know which file {entry.name} is; use the "
            "machine and the user that graded it."
        )
    if images is None:
        return Path(path)
    if not root_path or not Path(path).is_relative_to(root_path):
        where = path if entry.path == path else "where it lay"
        raise ResultsError(
            f"The images of {folder} lay in no common folder, so {entry.name} cannot be looked for in {images}; "
            f"put it back to {where}."
        )
    return images / Path(path).relative_to(root_path)


def move_images(connection: sqlite3.Connection, moved: Mapping[str, str]) -> None:
    """Note that files have other paths now.

    Args:
        moved: the path now, by the path that the record has.
    """
    with transaction(connection):
        connection.executemany("UPDATE images SET path = ? WHERE path = ?", [(new, old) for old, new in moved.items()])
