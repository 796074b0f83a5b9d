"""How much memory one file may take. The limits are checked on its header, before anything is decoded."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from unoqa.formats.parts.errors import too_large_error, unreadable_error

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PIXELS = 64_000_000
"""Pixels of one image: forty times the largest en-face export of a device (about 1,250 × 1,250)."""

MAX_BYTES = 512_000_000
"""Bytes of one file, and of one decoded image: the maximum of pixels as RGBA of 16 bits."""

MAX_PAGES = 10_000
"""Pages of one file."""


def _tell_nobody(count: int) -> None:
    del count


told_of_pixels: ContextVar[Callable[[int], None]] = ContextVar("told_of_pixels", default=_tell_nobody)
"""Who is told of the pixels that a header promises, before they are decoded: see `unoqa.formats.apart`."""


def check_pixels(name: str, columns: int, rows: int) -> None:
    """Reject an image that has too many pixels.

    Raises:
        ImageError: `too-large`.
    """
    if columns * rows > MAX_PIXELS:
        raise too_large_error(name, f"has {columns}×{rows} pixels, more than {MAX_PIXELS // 10**6} million")
    told_of_pixels.get()(columns * rows)


def check_bytes(name: str, count: int) -> None:
    """Reject a file, or the array decoded from it, that takes too many bytes.

    Raises:
        ImageError: `too-large`.
    """
    if count > MAX_BYTES:
        raise too_large_error(name, f"takes {count // 10**6:,} MB, more than {MAX_BYTES // 10**6}")


def check_pages(name: str, count: int) -> None:
    """Reject a file that has too many pages.

    Raises:
        ImageError: `too-large`.
    """
    if count > MAX_PAGES:
        raise too_large_error(name, f"has more than {MAX_PAGES:,} pages")


def check_only_page(page: int, name: str) -> None:
    """Reject every page but the first of a file that holds one image.

    Raises:
        ImageError: `unreadable`.
    """
    if page != 0:
        raise unreadable_error(name, f"has no page {page + 1}")
