"""Lines for people: they go to stderr, so that stdout stays free for results."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

import typer

LOGGER = logging.getLogger("unoqa")
"""Every message goes through it, also with `--quiet`; it writes nowhere unless `write_log` was called."""
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False


def write_log(file: Path) -> None:
    """Write every message from now on to a file, with the time in UTC; what is in the file stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    formatter = logging.Formatter("%(asctime)sZ %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)


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
