"""Walking a folder: which entries to open, in an order that is the same on every system."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator


@final
@dataclass(frozen=True)
class FolderEntry:
    """A file found on the walk, or a folder that was not entered.

    Attributes:
        path: where it is.
        skipped: never to be opened, because it is hidden, a link that is not followed, or neither file nor folder.
    """

    path: Path
    skipped: bool


def walk_folder(start: Path, *, follow_links: bool) -> Iterator[FolderEntry]:
    """Yield what is below a folder, sorted by name with upper case first; for a file, yield the file itself.

    Each folder is entered once, through the link that is met first, so that a circle of links ends.
    """
    waiting, entered = [start], set[str]()
    while waiting:
        path = waiting.pop()
        if path != start and _is_hidden(path):
            yield FolderEntry(path, skipped=True)
        elif not stat.S_ISDIR(mode := _read_mode(path)):
            yield FolderEntry(path, skipped=mode != 0 and not stat.S_ISREG(mode))
        elif (path != start and path.is_symlink() and not follow_links) or resolve_links(path) in entered:
            yield FolderEntry(path, skipped=True)
        else:
            entered.add(resolve_links(path))
            try:
                waiting.extend(sorted(path.iterdir(), key=lambda child: child.name, reverse=True))
            except OSError:  # no permission: the folder gets one row, so that the loss is visible
                yield FolderEntry(path, skipped=False)


def resolve_links(path: Path) -> str:
    """Return where all links lead; unlike `Path.resolve`, also for a link that leads to itself."""
    return os.path.realpath(path)


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder or a link to one; False where the system gives no answer."""
    return stat.S_ISDIR(_read_mode(path))


def _is_hidden(path: Path) -> bool:
    """Tell whether a path is hidden; `__MACOSX`, which macOS puts into archives, holds no real images."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _read_mode(path: Path) -> int:
    """Return the mode of a link's target; 0 if there is no target or no permission, which reading it will report."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
