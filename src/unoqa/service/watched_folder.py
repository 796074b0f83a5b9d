"""What lies in a folder that is watched, and whether the folder is there: shares come and go."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@final
class WatchedFolder:
    """Scans a folder; says when it is away, once, and when it is back."""

    def __init__(self, folder: Path, notify: Callable[[str], None]) -> None:
        """Begin with a folder that is there."""
        self._folder = folder
        self._notify = notify
        self._device = folder.stat().st_dev
        self._away = False

    def scan(self) -> dict[str, Stamp]:
        """Return the stamps of all files in it; none while it is away."""
        found = scan_folder(self._folder)
        why = self._explain_absence(empty=not found)
        if why and not self._away:
            self._notify(f"{self._folder} is away since {time.strftime('%Y-%m-%d %H:%M:%S')}: {why}.")
        if self._away and not why:
            self._notify(f"{self._folder} is back.")
        self._away = bool(why)
        return found

    def _explain_absence(self, *, empty: bool) -> str:
        """Return why the folder cannot be looked into; empty if it can."""
        try:
            os.scandir(self._folder).close()
            device = self._folder.stat().st_dev
        except OSError as error:
            return error.strerror or type(error).__name__
        if empty and device != self._device:  # where a share was, the empty folder is seen on which it is mounted
            return "nothing is mounted there"
        self._device = device
        return ""


def scan_folder(folder: Path) -> dict[str, Stamp]:
    """Return the stamps of all files below a folder, by their relative paths; hidden ones and links are left out."""
    found = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            try:
                known = path.lstat()
            except OSError:  # deleted meanwhile
                continue
            if not name.startswith(".") and not path.is_symlink() and known.st_size:
                found[path.relative_to(folder).as_posix()] = (known.st_size, known.st_mtime_ns)
    return found
