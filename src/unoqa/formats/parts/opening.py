"""Opening a file for a decoder: the one place where a decoder's exceptions become an ImageError."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, BinaryIO

from unoqa.core.errors import ImageError
from unoqa.formats.parts.errors import changed_error, too_large_error, truncated_error, unopened_error, unreadable_error
from unoqa.formats.parts.limits import check_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DECODER_LOCK = RLock()
_SILENT = logging.CRITICAL + 1
_LOGGERS = [logging.getLogger(name) for name in ("tifffile", "pydicom", "pylibjpeg", "openjpeg")]


@contextmanager
def open_image_file(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file; every exception inside the block becomes an ImageError, and decoders print nothing.

    Raises:
        ImageError: `too-large`, `truncated` or `unreadable`; `changed` if the file was written to meanwhile.
    """
    with _translate_errors(name), _silence_decoders():
        before = _check_file(path, name)
        with path.open("rb") as stream:
            try:
                yield stream
            finally:
                after = os.fstat(stream.fileno())
                if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                    raise changed_error(name)


def _check_file(path: Path, name: str) -> os.stat_result:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise unopened_error(name, "it is not a file")
    if status.st_size == 0:
        raise truncated_error(name)
    check_bytes(name, status.st_size)
    return status


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Exception as error:  # a damaged file makes decoders raise any exception, even SyntaxError
        raise _make_image_error(error, name) from error


def _make_image_error(error: Exception, name: str) -> ImageError:
    if isinstance(error, MemoryError):
        return too_large_error(name, "needs more memory than there is")
    if isinstance(error, OSError) and error.strerror:  # from the system; Pillow's OSErrors have no `strerror`
        return unopened_error(name, error.strerror.lower())
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return truncated_error(name)
    return unreadable_error(name)


@contextmanager
def _silence_decoders() -> Iterator[None]:
    """Suppress warnings and the logs of decoders, which quote headers, decoding one file at a time.

    The warning filters and the loggers belong to the whole process: two threads that change and restore them
    at the same time can leave them changed for good. The lock costs a few percent of the time of grading an image.
    """
    with _DECODER_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = [logger.level for logger in _LOGGERS]
        try:
            for logger in _LOGGERS:
                logger.setLevel(_SILENT)
            yield
        finally:
            for logger, level in zip(_LOGGERS, before, strict=True):
                logger.setLevel(level)
