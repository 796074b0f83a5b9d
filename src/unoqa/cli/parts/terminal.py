"""Lines for people: they go to stderr, so that stdout stays free for results."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, final

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOGGER = logging.getLogger("unoqa")
"""Every message goes through it, also with `--quiet`; it writes nowhere unless `open_log` was called."""
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False
LOGGER.setLevel(logging.INFO)


@final
class _LogFile(logging.FileHandler):
    """Writes messages to a file, with the time in UTC; what is in the file stays."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(file, encoding="utf-8")
        formatter = logging.Formatter("%(asctime)sZ %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """End the log where it cannot be written, and say so; the work continues."""
        del record
        LOGGER.removeHandler(self)
        error = sys.exc_info()[1]
        why = getattr(error, "strerror", None) or error
        print_message(f"Warning: {self.baseFilename}: {why}; the log ends here, free space there for the next one.")


def open_log(file: Path) -> Callable[[], None]:
    """Write every message from now on also to a file, until the function returned is called."""
    handler = _LogFile(file)
    LOGGER.addHandler(handler)

    def close() -> None:
        LOGGER.removeHandler(handler)
        with suppress(OSError):
            handler.close()

    return close


def print_message(line: str, *, quiet: bool = False) -> None:
    """Print one line to stderr unless `quiet`.

    Control characters, which a file's name may hold, are escaped, so that they do not steer the terminal. Where stderr
    is closed or full, nothing is printed and the work continues.
    """
    text = "".join(map(_escape, line))
    LOGGER.info(text)
    if quiet:
        return
    with suppress(OSError):
        typer.echo(text, err=True)


def print_error(error: object) -> None:
    """Print an error after the program's name; its line breaks are kept."""
    for line in f"unoqa: {error}".split("\n"):
        print_message(line)


def _escape(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
