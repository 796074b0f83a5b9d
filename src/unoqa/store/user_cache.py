"""The user's cache: files that take time to make and can be made again, each with a checksum.

They lie where the system keeps such files: `~/.cache/unoqa` on Linux (or below `XDG_CACHE_HOME`),
`~/Library/Caches/unoqa` on macOS, `%LOCALAPPDATA%\\unoqa\\Cache` on Windows. Where that cannot be written, or there is
no home, they lie in a temporary folder until the process ends. Anyone may delete them at any time.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock, Timeout

from unoqa.store.files import remove_partial_of, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_WAIT = 300
"""Seconds that one process waits for another to make a file; then it makes the file itself."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def read_or_make(name: str, make: Callable[[], bytes]) -> bytes:
    """Return what is kept under a name; if nothing is, or it is damaged, make it and keep it.

    Of several processes that ask at the same time, one makes it and the others wait. What a killed process left is made
    anew.

    Args:
        name: a file name; it stands for all that the content depends on.
    """
    place = _find_place()
    if place.is_absolute() and (kept := _read(place / name)) is not None:
        return kept
    path = _find_writable(place) / name
    with _lock(path):
        kept = _read(path)
        if kept is None:
            kept = make()
            with suppress(OSError):  # a full disk: it is made again next time
                _write(path, kept)
        return kept


def _find_place() -> Path:
    return platformdirs.user_cache_path("unoqa", appauthor=False)


def _find_writable(place: Path) -> Path:
    """Return the place if files can be made there, else a folder of this process."""
    try:
        if place.is_absolute():  # a home that is not known gives a path relative to the working directory
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                return place
    except OSError:
        pass
    return Path(_make_temporary_folder().name)


@cache
def _make_temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time make a file. The system lets go of the lock of a process that was killed."""
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=LONGEST_WAIT)
    except Timeout:  # files are replaced whole, so two that make the same one do no harm
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> bytes | None:
    """Return the content of a file; None if it is missing or is not as it was written."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    digest, content = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
    return content if digest == hashlib.sha256(content).digest() else None


def _write(path: Path, content: bytes) -> None:
    remove_partial_of(path)
    with replace_file(path) as fresh:
        fresh.write_bytes(hashlib.sha256(content).digest() + content)
