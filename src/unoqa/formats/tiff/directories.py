"""The chain of image directories in a TIFF, followed strictly; a directory describes one page.

tifffile stops without a word where the chain is broken, so pages would be lost unnoticed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, final

from unoqa.formats.parts.errors import truncated_error, unreadable_error
from unoqa.formats.parts.limits import check_pages


@final
@dataclass(frozen=True)
class Layout:
    """How one of the four kinds of TIFF stores its directories.

    Attributes:
        first: position in the file of the offset of the first directory.
        count: `struct` code of the number of entries, with which a directory begins.
        entry: `struct` code of one entry: its tag, its type, its number of values, and the rest.
        link: `struct` code of the offset of the next directory, with which a directory ends; 0 ends the chain.
    """

    first: int
    count: str
    entry: str
    link: str


LAYOUTS = {
    b"II*\x00": Layout(first=4, count="<H", entry="<HHI4x", link="<I"),
    b"MM\x00*": Layout(first=4, count=">H", entry=">HHI4x", link=">I"),
    b"II+\x00\x08\x00\x00\x00": Layout(first=8, count="<Q", entry="<HHQ8x", link="<Q"),
    b"MM\x00+\x00\x08\x00\x00": Layout(first=8, count=">Q", entry=">HHQ8x", link=">Q"),
}
"""By the first bytes of a file: TIFF 6.0 in both byte orders, then BigTIFF, whose offsets have 8 bytes."""


_SIZE_TAGS = (256, 257, 277, 322, 323, 32997, 32998)
"""Tags of width, length, samples per pixel, tile width, tile length, image depth and tile depth."""

_MAX_ENTRIES = 4096
"""Entries of one directory: tifffile's limit, a hundred times what real files have."""

_INTEGER_TYPES = (1, 3, 4, 16)
"""Types of unsigned integers: BYTE, SHORT, LONG and LONG8."""


def list_directories(stream: BinaryIO, name: str) -> tuple[int, ...]:
    """Return the offset of each directory, in the order of the chain.

    Raises:
        ImageError: the chain leaves the file, runs in a circle, is empty or is too long.
    """
    layout = _read_layout(stream)
    found: dict[int, None] = {}
    (offset,) = _read_numbers(stream, layout.first, layout.link, name)
    while offset:
        if offset in found:
            raise unreadable_error(name, "links its pages in a circle")
        found[offset] = None
        check_pages(name, len(found))
        (entries,) = _read_numbers(stream, offset, layout.count, name)
        end = offset + struct.calcsize(layout.count) + entries * struct.calcsize(layout.entry)
        (offset,) = _read_numbers(stream, end, layout.link, name)
    if not found:
        raise unreadable_error(name, "holds no page")
    return tuple(found)


def check_sizes(stream: BinaryIO, offset: int, name: str) -> None:
    """Refuse a directory that has far too many entries, or a size that is not a single unsigned integer.

    tifffile multiplies sizes without a check, and a list or a text multiplied by a million fills the memory.

    Raises:
        ImageError: `unreadable`.
    """
    layout = _read_layout(stream)
    (entries,) = _read_numbers(stream, offset, layout.count, name)
    if entries > _MAX_ENTRIES:
        raise unreadable_error(name)
    first = offset + struct.calcsize(layout.count)
    for number in range(entries):
        entry = first + number * struct.calcsize(layout.entry)
        tag, kind, count = _read_numbers(stream, entry, layout.entry, name)
        if tag in _SIZE_TAGS and (kind not in _INTEGER_TYPES or count != 1):
            raise unreadable_error(name)


def _read_layout(stream: BinaryIO) -> Layout:
    stream.seek(0)
    head = stream.read(8)
    return next(layout for magic, layout in LAYOUTS.items() if head.startswith(magic))


def _read_numbers(stream: BinaryIO, offset: int, code: str, name: str) -> tuple[int, ...]:
    stream.seek(offset)
    raw = stream.read(struct.calcsize(code))
    if len(raw) < struct.calcsize(code):
        raise truncated_error(name)
    return struct.unpack(code, raw)
