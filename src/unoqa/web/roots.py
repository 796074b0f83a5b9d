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

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))

    def find(self, relative: str) -> Path:
        """Return the real path of what a request names; it need not exist.

        Links are followed first, so a link that leads out of the folder is refused as `..` is.

        Raises:
            UsageError: it lies outside the folder, or is no path.
        """
        parts = PurePosixPath(relative.replace("\\", "/")).parts
        if "\0" in relative or any(part in ("..", "/") or ":" in part for part in parts):
            raise UsageError(f"{relative!r} is not a path below the folder that was opened; choose one in it.")
        path = Path(os.path.realpath(self.folder.joinpath(*parts)))
        if not path.is_relative_to(self.folder):
            raise UsageError(f"{relative!r} leads out of the folder that was opened; choose one in it.")
        return path

    def name(self, path: Path) -> str:
        """Return the relative path by which requests name what lies below the folder."""
        relative = path.relative_to(self.folder).as_posix()
        return "" if relative == "." else relative
