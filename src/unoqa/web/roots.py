"""What may be asked for: paths below the folders that were given, and no others."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import final

from unoqa.core.errors import UsageError


@final
class Root:
    """A folder that was given; requests name what lies below it by a relative path with slashes.

    Attributes:
        folder: its real path.
    """

    def __init__(self, folder: Path, *, windows: bool = os.name == "nt") -> None:
        """Give a folder.

        Args:
            windows: whether `\\` separates folders and `:` ends the name of a drive; elsewhere names may hold both.
        """
        self.folder = Path(os.path.realpath(folder))
        self._windows = windows

    def find(self, relative: str) -> Path:
        """Return the real path of what a request names; it need not exist.

        Links are followed first, so a link that leads out of the folder is refused as `..` is.

        Raises:
            UsageError: it lies outside the folder, or is no path.
        """
        parts = PurePosixPath(relative.replace("\\", "/") if self._windows else relative).parts
        drive = self._windows and ":" in relative
        if "\0" in relative or drive or any(part in ("..", "/", "//") for part in parts):
            raise UsageError(f"{relative!r} is not a path below the folder that was opened; choose one in it.")
        return self.follow(self.folder.joinpath(*parts))

    def follow(self, path: Path) -> Path:
        """Return the real path of a file in the folder, such as one that a record names; it need not exist.

        Raises:
            UsageError: it, or a link on the way to it, leads out of the folder.
        """
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self.folder):
            raise UsageError(f"'{path}' leads out of the folder that was opened; choose one in it.")
        return real

    def name(self, path: Path) -> str:
        """Return the relative path by which requests name what lies below the folder."""
        relative = path.relative_to(self.folder).as_posix()
        return "" if relative == "." else relative
