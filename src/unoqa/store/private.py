"""Files and folders for their owner alone, since they say who was scanned, or are keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700
"""Modes that let only the owner in."""


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter; the mode of one that is there stays."""
    folder.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read."""
    path.touch(mode=OWNER_FILE)
    path.write_bytes(data)


def may_others_read(path: Path) -> bool:
    """Tell whether the mode of a file, where files have one, lets other users of the machine read it."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
