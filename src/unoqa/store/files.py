"""Files and folders that are there whole or not at all, and which folders count as empty."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{32}\.part")
"""What `_beside` calls a file that is not whole yet."""


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(path, "part")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to fill; it takes the place of `path` when the block ends well."""
    path = Path(os.path.realpath(path))  # a link goes on pointing where it does
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, former = (_beside(path, end) for end in ("part", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if path.exists():
            path.replace(former)
        fresh.replace(path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if former.exists() and not path.exists():
            former.replace(path)
        shutil.rmtree(former, ignore_errors=True)


def _beside(path: Path, end: str) -> Path:
    """Return a name that nothing has; what a killed process of the same number left is not met."""
    short = hashlib.sha256(path.name.encode()).hexdigest()[:16]  # a name of full length has no room for more
    return path.with_name(f".{short}.{uuid.uuid4().hex}.{end}")


def remove_partial(paths: Iterable[Path]) -> None:
    """Take away, of some paths, the files that processes left which were killed while they wrote."""
    for path in paths:
        if _PARTIAL.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with `\\n` line ends on every system."""
    with replace_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8", newline="\n")


LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""Files that a system leaves in every folder somebody looks into, in small letters."""


def is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing of anybody's."""
    return all(entry.name.lower() in LITTER for entry in folder.iterdir())
