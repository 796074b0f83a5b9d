"""The key of a site, with which identifiers are hashed; it stays on the machine and is in no result.

It lies where the system keeps a user's data: `~/.local/share/unoqa/site.key` on Linux (or below `XDG_DATA_HOME`),
`~/Library/Application Support/unoqa` on macOS, `%LOCALAPPDATA%\\unoqa` on Windows. Machines that shall give a person
the same hash have copies of one key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cache
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock

from unoqa.core.errors import UsageError
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32

DIGITS = 16
"""Hexadecimal digits of a hash: two of a million different texts share one with a chance of 3 in 100 million."""


def find_key_file() -> Path:
    """Return where the key lies, or will lie."""
    return platformdirs.user_data_path("unoqa", appauthor=False) / "site.key"


def hash_text(text: str) -> str:
    """Return a hash of a text that nobody can turn back without the key of this site (RFC 2104, SHA-256).

    Raises:
        UsageError: the key is damaged, or cannot be read or made.
    """
    return hmac.new(_read_key(find_key_file()), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
        :DIGITS
    ]


def check_key() -> None:
    """Read the key, or make it, before the work that needs it.

    Raises:
        UsageError: as by `hash_text`.
    """
    _read_key(find_key_file())


@cache
def _read_key(path: Path) -> bytes:
    """Read the key; the first process that needs one makes it."""
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.is_file():
                    _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The key {path}, with which identifiers are hashed, cannot be read or made ({error.strerror}); make its "
            "folder writable, copy the key of another machine there, or name another folder for it by XDG_DATA_HOME "
            "(Linux)."
        ) from error
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"The key {path} is damaged; copy it again from where it was made, or delete it for a new one."
        )
    return key


def _make_key(path: Path) -> None:
    with replace_file(path) as fresh:
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(KEY_BYTES))
