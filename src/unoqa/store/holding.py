"""A folder that one process has to itself for as long as it runs."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from unoqa.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def hold_folder(folder: Path, lock: str, option: str) -> Iterator[None]:
    """Have a folder while the block runs; it is made if there is none, and it can be written to.

    Args:
        lock: name of the file in the folder that is locked; the system lets go of it however the process ends.
        option: how another folder is given, for the error message.

    Raises:
        UsageError: no file can be made in it, or another process has it.
    """
    _check_writable(folder, option)
    try:
        held = FileLock(folder / lock).acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"Another process works on {folder.absolute()} already; end that one, or name another folder with {option}."
        ) from None
    with held:
        yield


def _check_writable(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{folder.absolute()} cannot be written to ({error.strerror}); make it writable for the user who runs "
            f"this command, or name another folder with {option}."
        ) from None
