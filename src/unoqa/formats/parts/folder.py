"""Walking a folder: which entries are worth opening, in an order that is the same everywhere."""

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
class Entry:
    """One thing met on the way.

    Attributes:
        path: a file; or a folder that was not entered.
        passed_over: hidden, a link that is not followed, or neither file nor folder: never opened.
    """

    path: Path
    passed_over: bool


def entries(start: Path, *, follow_links: bool) -> Iterator[Entry]:
    """Yield what lies below a folder, sorted by name with upper case first; of a file, itself.

    A folder is entered once, by whichever link is met first, so that a circle of links ends.
    """
    waiting, entered = [start], set[str]()
    while waiting:
        path = waiting.pop()
        if path != start and _hidden(path):
            yield Entry(path, passed_over=True)
        elif not stat.S_ISDIR(mode := _mode(path)):
            yield Entry(path, passed_over=mode != 0 and not stat.S_ISREG(mode))
        elif _barred(path, start, follow_links=follow_links) or real(path) in entered:
            yield Entry(path, passed_over=True)
        else:
            entered.add(real(path))
            try:
                waiting.extend(sorted(path.iterdir(), key=lambda child: child.name, reverse=True))
            except OSError:  # no permission: it costs one row, and nothing in it is lost in silence
                yield Entry(path, passed_over=False)


def real(path: Path) -> str:
    """Return where all links lead; unlike `Path.resolve`, also for a link that leads to itself."""
    return os.path.realpath(path)


def is_folder(path: Path) -> bool:
    """Tell a folder, or a link to one; False where the system does not say."""
    return stat.S_ISDIR(_mode(path))


def _hidden(path: Path) -> bool:
    """macOS puts `__MACOSX` into archives: a shadow of every image that is none."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _barred(path: Path, start: Path, *, follow_links: bool) -> bool:
    return path != start and path.is_symlink() and not follow_links


def _mode(path: Path) -> int:
    """Return the kind of a link's target; 0 where there is none or no permission: reading it will say."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
