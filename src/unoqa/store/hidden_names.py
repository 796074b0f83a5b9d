"""Names that stand for paths in results whose names are hashed, and where on this machine their files lie.

A hidden path is a hash with the key of the site. What it stands for is in a file of the user's data, beside the key,
and in no result: so pictures of the images can be made again on this machine, and on no other.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from unoqa.core.errors import UsageError
from unoqa.store.site_key import find_key_file, hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PREFIX = "hidden:"
"""What a hidden path begins with."""

NAME = "image-"
"""What a hidden name begins with."""


def hide_name(name: str) -> str:
    """Return what stands for the name of an image; equal names have the same."""
    return NAME + hash_text(f"name:{name}")


def hide_paths(paths: Sequence[str]) -> list[str]:
    """Return what stands for paths, and remember them on this machine; an empty path stays empty.

    Raises:
        UsageError: they cannot be remembered.
    """
    hidden = {path: PREFIX + hash_text(f"path:{path}") if path else "" for path in paths}
    file = _find_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS paths (hidden TEXT PRIMARY KEY, path TEXT NOT NULL)")
            rows = [(short, path) for path, short in hidden.items() if path]
            connection.executemany("INSERT OR REPLACE INTO paths VALUES (?, ?)", rows)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"{file}, which remembers hashed names, cannot be written ({error}); check it.") from error
    return [hidden[path] for path in paths]


def reveal_path(path: str) -> str | None:
    """Return the path that a hidden one stands for, or the path itself; None if this machine does not know it."""
    if not path.startswith(PREFIX):
        return path
    file = _find_file()
    if not file.is_file():
        return None
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        row = connection.execute("SELECT path FROM paths WHERE hidden = ?", (path,)).fetchone()
    return None if row is None else str(row[0])


def _find_file() -> Path:
    return find_key_file().with_name("names.sqlite")
