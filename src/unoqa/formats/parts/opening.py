"""Opening a file for a decoder: the one place where its exceptions become ours."""

from __future__ import annotations

import logging
import stat
import warnings
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, BinaryIO

from unoqa.core.errors import ImageError
from unoqa.formats.parts.errors import too_large, truncated, unopened, unreadable
from unoqa.formats.parts.limits import check_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ONE_AT_A_TIME = RLock()
_CHATTY = logging.getLogger("tifffile")


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file; whatever a decoder raises inside leaves as an ImageError, and nothing is printed.

    Raises:
        ImageError: `too-large`, `truncated` or `unreadable`.
    """
    with _translated(name), _silent():
        _check_file(path, name)
        with path.open("rb") as stream:
            yield stream


def _check_file(path: Path, name: str) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise unopened(name, "it is not a file")
    if status.st_size == 0:
        raise truncated(name)
    check_bytes(name, status.st_size)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Exception as error:  # damage makes decoders raise anything, SyntaxError included
        raise _refusal(error, name) from error


def _refusal(error: Exception, name: str) -> ImageError:
    if isinstance(error, MemoryError):
        return too_large(name, "needs more memory than there is")
    if isinstance(error, OSError) and error.strerror:  # the system's own; Pillow's carry no error number
        return unopened(name, error.strerror.lower())
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return truncated(name)
    return unreadable(name)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep decoders quiet.

    A process has one list of warning filters and one tifffile logger: two threads that change and restore
    them at once would leave them changed for good. So one file is decoded at a time, which is a few percent
    of what grading it takes.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, _CHATTY.disabled = _CHATTY.disabled, True
        try:
            yield
        finally:
            _CHATTY.disabled = before
