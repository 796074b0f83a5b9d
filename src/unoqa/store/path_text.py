"""Paths as text: on some systems the name of a file is any bytes, and a record or a table holds Unicode only."""

from __future__ import annotations

import os

BYTES = "bytes:"
"""What the text of a path begins with that is no Unicode; its bytes follow as hexadecimal digits."""


def to_text(path: str) -> str:
    """Return the text that stands for a path in a record; for nearly all paths it is the path itself."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return BYTES + os.fsencode(path).hex()
    return path


def to_path(text: str) -> str:
    """Return the path that a text stands for.

    Raises:
        ValueError: no path has that text.
    """
    return os.fsdecode(bytes.fromhex(text.removeprefix(BYTES))) if text.startswith(BYTES) else text


def to_words(path: str) -> str:
    r"""Return a path for people to read; bytes that are no Unicode are shown as `\udcff` and the like."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
