"""Walking a folder: which entries to open, in an order that is the same on every system."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import Enum
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.formats.parts.own_outputs import find_own_output, list_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@final
class Role(Enum):
    """What becomes of an entry: a file is opened; the others are only counted.

    Skipped is what is hidden, a link that is not followed, or neither file nor folder.
    """

    FILE = "file"
    SKIPPED = "skipped"
    OWN_OUTPUT = "own output"


@final
@dataclass(frozen=True)
class FolderEntry:
    """A file found on the walk, or a folder that was not entered."""

    path: Path
    role: Role


def expand_patterns(paths: Sequence[Path]) -> list[Path]:
    """Replace each path that does not exist by the sorted paths that it matches as a pattern, such as `clinic/*.png`.

    Most shells do so themselves, but not within quotes, and on Windows not at all.

    Raises:
        UsageError: no path was given, or one neither exists nor matches anything.
    """
    if not paths:
        raise UsageError("No image was given; name at least one file or folder.")
    return [found for path in paths for found in ([path] if os.path.lexists(path) else _match(path))]


def _match(pattern: Path) -> list[Path]:
    matches = glob(str(pattern), recursive=True)  # noqa: PTH207 - pathlib's would match hidden files too
    if not matches:
        tried = ", and as a pattern it matches nothing" if set(str(pattern)) & set("*?[") else ""
        raise UsageError(f"There is no file or folder '{pattern}'{tried}; check its spelling.")
    return [Path(match) for match in sorted(matches)]


def walk_folder(start: Path, *, follow_links: bool) -> Iterator[FolderEntry]:
    """Yield what is below a folder, sorted by name with upper case first; for a file, yield the file itself.

    A folder that several links lead to is entered through each of them, but not from within itself: a circle ends.
    """
    waiting: list[tuple[Path, tuple[str, ...]]] = [(start, ())]
    while waiting:
        path, above = waiting.pop()
        if path != start and _is_hidden(path):
            yield FolderEntry(path, Role.SKIPPED)
        elif not stat.S_ISDIR(mode := _read_mode(path)):
            yield FolderEntry(path, Role.SKIPPED if mode != 0 and not stat.S_ISREG(mode) else Role.FILE)
        elif (path != start and path.is_symlink() and not follow_links) or (place := resolve_links(path)) in above:
            yield FolderEntry(path, Role.SKIPPED)
        elif (names := list_names(path)) is None:  # no permission: one row, so that the user sees what is missing
            yield FolderEntry(path, Role.FILE)
        elif path != start and find_own_output(path, names):
            yield FolderEntry(path, Role.OWN_OUTPUT)
        else:
            waiting.extend((path / name, (*above, place)) for name in sorted(names, reverse=True))


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
