"""Names that stand for paths in results whose names are hashed, and where on this machine their files lie.

A hidden path is a hash with the key of the site. What it stands for is in a file of the user's data, beside the key,
and in no result: so pictures of the images can be made again on this machine, and on no other.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from unoqa.core.errors import UsageError
from unoqa.store.path_text import to_path, to_text
from unoqa.store.site_key import find_key_file, hash_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PREFIX = "hidden:"
"""What a hidden path begins with."""

NAME = "image-"
"""What a hidden name begins with."""

OWNER_ONLY = 0o600
"""Mode of the file: names may say who was scanned."""


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
    with _explaining(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=OWNER_ONLY)
        file.chmod(OWNER_ONLY)
        with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS paths (hidden TEXT PRIMARY KEY, path TEXT NOT NULL)")
            rows = [(short, to_text(path)) for path, short in hidden.items() if path]
            connection.executemany("INSERT OR REPLACE INTO paths VALUES (?, ?)", rows)
    return [hidden[path] for path in paths]


def is_hidden(path: str) -> bool:
    """Tell whether a path is hidden."""
    return path.startswith(PREFIX)


def reveal_path(text: str) -> str | None:
    """Return the path that a text in a record stands for, hidden or not; None if this machine does not know it.

    Raises:
        UsageError: what this machine remembers cannot be read.
        ValueError: no path has that text.
    """
    if not is_hidden(text):
        return to_path(text)
    file = _find_file()
    if not file.is_file():
        return None
    with _explaining(file):
        status = file.stat()
        known = _read_all(file, status.st_mtime_ns, status.st_size).get(text)
    return None if known is None else to_path(known)


@lru_cache(maxsize=1)
def _read_all(file: Path, *state: int) -> dict[str, str]:
    """Return all hidden paths and what they stand for; a file in another state is read again."""
    del state
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        return dict(connection.execute("SELECT hidden, path FROM paths"))


@contextmanager
def _explaining(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            raise _make_error(file, error) from error
        raise UsageError(
            f"{file}, which remembers hashed names, is damaged; restore it from a backup, or delete it and grade the "
            "images again."
        ) from error
    except OSError as error:
        raise _make_error(file, error) from error


def _make_error(file: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{file}, which remembers hashed names, cannot be read or written ({error}); check that you may write there "
        "and that the disk is not full."
    )


def _find_file() -> Path:
    return find_key_file().with_name("names.sqlite")
