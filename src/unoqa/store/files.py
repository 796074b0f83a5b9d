"""Writing files and folders whole or not at all, and telling whether a folder is empty."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unoqa.core.errors import ResultsError
from unoqa.store.file_names import make_short_digest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{32}\.part")
"""The names that `_make_temporary_path` gives to files that are not complete yet."""

SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""Files that macOS and Windows put into folders that a user opens, in lower case."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a system that has no space left to write to: on the disk, for this user, in one file."""


@contextmanager
def name_full_disk(path: Path) -> Iterator[None]:
    """Let the error of a full disk name `path`: that of writing names no file, or one that is only temporary.

    Raises:
        OSError: the block found no space left; `filename` is the path.
    """
    try:
        yield
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else _find_foreign(error)
        if number not in FULL:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _find_foreign(error: Exception) -> int | None:
    """Return the number of a full disk's error that safetensors, which is written in Rust, reports as its own."""
    return next((number for number in FULL if f"(os error {number})" in str(error)), None)


def describe_os_error(error: OSError) -> str:
    """Return the sentence for a file that the system does not let be read or written."""
    named = Path(error.filename) if error.filename else None
    shown = "A file" if named is None else named.parent if is_partial(named) else named
    reason = error.strerror or type(error).__name__
    return f"{shown} cannot be read or written ({reason}); check the disk, the folder and its permissions."


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; the new file replaces `path` when the block ends without an error."""
    with name_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _make_temporary_path(path, "part")
        try:
            yield fresh
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path` to fill; it replaces `path` when the block ends without an error.

    If `path` is a link, the folder that it points to is replaced, and the link stays.
    """
    path = Path(os.path.realpath(path))
    with name_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh, former = (_make_temporary_path(path, ending) for ending in ("part", "old"))
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


def _make_temporary_path(path: Path, ending: str) -> Path:
    """Return an unused path beside `path`; it is random, so that it never meets what a killed process left."""
    digest = make_short_digest(path.name)  # not the name itself, which may already have the maximum length
    return path.with_name(f".{digest}.{uuid.uuid4().hex}.{ending}")


def is_partial(path: Path) -> bool:
    """Tell whether a file or folder is what a killed process left incomplete."""
    return _PARTIAL.fullmatch(path.name) is not None


def remove_partial(paths: Iterable[Path]) -> None:
    """Remove, among the paths, the files that a process left incomplete because it was killed while writing."""
    for path in paths:
        if is_partial(path) and path.is_file():
            path.unlink(missing_ok=True)


def remove_partial_of(path: Path) -> None:
    """Remove what killed processes left of a file; call this where no other process writes the same file."""
    remove_partial(path.parent.glob(f".{make_short_digest(path.name)}.*.part"))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, with `\\n` at line ends on every system."""
    with replace_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8", newline="\n")


def refuse_others(folder: Path, names: Container[str], what: str) -> None:
    """Refuse a folder that holds anything but files of these names, before the work that writes them.

    Args:
        what: such files are, for the error message, such as `a self-test`.

    Raises:
        ResultsError: it does, or it is a file.
    """
    others = folder.is_dir() and any(
        entry.name not in names and entry.name.lower() not in SYSTEM_FILES for entry in folder.iterdir()
    )
    if folder.is_file() or others:
        raise ResultsError(f"{folder} holds something that is not {what}; name a new folder.")


def is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing, apart from files that an operating system put there."""
    return all(entry.name.lower() in SYSTEM_FILES for entry in folder.iterdir())
