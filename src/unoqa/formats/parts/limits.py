"""How much of this machine one file may take, asked of its header before anything is decoded."""

from __future__ import annotations

from unoqa.formats.parts.errors import too_large

MOST_PIXELS = 64_000_000
"""Of one image: forty times the largest en-face export that a device makes (about 1,250 × 1,250)."""

MOST_BYTES = 512_000_000
"""Of one file, and of one image decoded: the most pixels as RGBA of 16 bits."""

MOST_PAGES = 10_000
"""Of one file."""


def check_pixels(name: str, columns: int, rows: int) -> None:
    """Refuse an image of too many pixels.

    Raises:
        ImageError: `too-large`.
    """
    if columns * rows > MOST_PIXELS:
        raise too_large(name, f"has {columns}×{rows} pixels, more than {MOST_PIXELS // 10**6} million")


def check_bytes(name: str, count: int) -> None:
    """Refuse a file, or the array it decodes to, of too many bytes.

    Raises:
        ImageError: `too-large`.
    """
    if count > MOST_BYTES:
        raise too_large(name, f"takes {count // 10**6:,} MB, more than {MOST_BYTES // 10**6}")


def check_pages(name: str, count: int) -> None:
    """Refuse a file of too many pages.

    Raises:
        ImageError: `too-large`.
    """
    if count > MOST_PAGES:
        raise too_large(name, f"has more than {MOST_PAGES:,} pages")
