"""The folder of a workspace, locked by the process that works in it; it is found and removed without torch."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, final

from filelock import FileLock, Timeout

from unoqa.core.errors import ResultsError
from unoqa.store.files import SYSTEM_FILES

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ".unoqa-lock"
"""The file that one process at a time holds locked."""

OWN_FOLDERS = re.compile(r"(features|fit)-[0-9a-f]{16}")
"""Names of the folders of unfinished work, which `WorkFolder.remove` deletes."""


@final
class WorkFolder:
    """A folder of unfinished work that one process uses at a time."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if there is none, and lock it.

        Raises:
            ResultsError: another process uses it.
        """
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / LOCK)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ResultsError(
                f"Another process works in {folder}; wait until it ends, or choose another folder."
            ) from None
        self._removed = False

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._removed and {entry.name for entry in self._folder.glob("*")} <= {LOCK}:
            self.remove()  # nothing was written: a call that fails at its start leaves no folder
        self._lock.release()

    def remove(self) -> None:
        """Delete the work, and the folder too, unless it holds other files.

        The lock is held until the work is deleted, so that no other process starts in the folder before.
        """
        self._removed = True  # from here on another process may use it
        for entry in self._folder.glob("*"):
            if OWN_FOLDERS.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.lower() in SYSTEM_FILES:
                entry.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows cannot delete a lock file while it is held, and deletes it afterwards
            (self._folder / LOCK).unlink(missing_ok=True)
        self._lock.release()
        with suppress(OSError):  # it holds other files
            self._folder.rmdir()
