"""What a service may do, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.core.progress import ignore
from unoqa.store.private import may_others_read

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST = 16
"""Characters of a token, at least."""


@final
@dataclass(frozen=True)
class ServiceOptions:
    """How a service answers.

    Attributes:
        batches: folder of the batches.
        files_root: folder below which batches may name images; None if they may name none.
        token: what clients must send; None where none is needed.
        hosts: values of the header Host that are ours; empty for any.
        threads: single images that are graded side by side.
        queue: requests for single images that may wait or be graded at a time.
        max_bytes: of the body of a request.
        seconds: that a request for a single image may take.
    """

    batches: Path
    files_root: Path | None = None
    token: str | None = None
    hosts: tuple[str, ...] = ()
    threads: int = 1
    queue: int = 64
    max_bytes: int = 64_000_000
    seconds: float = 60.0


def read_token(path: Path, *, notify: Callable[[str], None] = ignore) -> str:
    """Read the token in a file.

    Args:
        notify: is told if other users of the machine may read it, too.

    Raises:
        UsageError: the file cannot be read, or its text is too short or has spaces.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
        if may_others_read(path):
            notify(f"Warning: other users of this machine may read the token in {path}; run: chmod 600 {path}.")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token cannot be read from {path} ({error}); name a text file that holds it.") from None
    if len(token) < SHORTEST or any(letter.isspace() for letter in token) or not token.isascii():
        raise UsageError(
            f"The token in {path} must have {SHORTEST} letters or more, without spaces; make a longer one."
        )
    return token
