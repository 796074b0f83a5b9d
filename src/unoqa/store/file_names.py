"""File names that every system can hold, and names that some systems take for the same."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_NAME_BYTES = 240
"""Bytes of the name of a file or folder; most file systems allow 255."""

FORBIDDEN = frozenset('<>:"|?*\\')
"""Characters that a file name on Windows cannot hold."""

RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
)
"""File names that Windows keeps for devices, with any suffix."""


def make_portable_path(name: str, suffix: str) -> PurePosixPath:
    """Return the relative path of the file `name` + `suffix`, in parts that every system can hold.

    A part that some system cannot hold is replaced by its digest; a part that ends with the suffix keeps the suffix.

    Args:
        name: an image's name, with `/` between folders; a leading `/` is dropped.
        suffix: the ending of the file name, such as `.png`.
    """
    path = PurePosixPath(f"{name}{suffix}")
    return PurePosixPath(*(_make_portable(part, suffix) for part in path.parts if part != path.anchor))


def find_clashes(names: Collection[str], suffix: str) -> list[str]:
    """Return, sorted, the names whose portable path some system takes for that of another name."""
    counts = Counter(_fold(name, suffix) for name in names)
    return sorted(name for name in names if counts[_fold(name, suffix)] > 1)


def find_common_folder(folders: Iterable[str]) -> str:
    """Return the deepest folder that holds all folders; empty if there is none, as on two drives of Windows.

    Args:
        folders: absolute; empty ones are left out.
    """
    try:
        return os.path.commonpath([folder for folder in folders if folder])
    except ValueError:  # several drives, or no folder
        return ""


def make_short_digest(text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fold(name: str, suffix: str) -> str:
    """Return the portable path in one case and with accents in one coding, which some systems do not tell apart."""
    path = str(make_portable_path(name, suffix))
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _make_portable(part: str, suffix: str) -> str:
    stem = part.split(".", maxsplit=1)[0].upper()
    allowed = not (FORBIDDEN & set(part)) and part == part.rstrip(". ") and stem not in RESERVED
    if allowed and part.isprintable() and len(part.encode()) <= MAX_NAME_BYTES:
        return part
    return f"{make_short_digest(part)}{suffix if part.endswith(suffix) else ''}"
