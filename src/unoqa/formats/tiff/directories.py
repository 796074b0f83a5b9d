"""The chain of image directories in a TIFF, walked strictly.

tifffile ends its own walk in silence where the chain is broken, and pages would be lost unseen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, final

from unoqa.formats.parts.errors import truncated, unreadable
from unoqa.formats.parts.limits import check_pages


@final
@dataclass(frozen=True)
class Layout:
    """How one of the four kinds of TIFF writes its directories.

    Attributes:
        first: where the offset of the first directory stands.
        count: `struct` code of the number of entries that opens a directory.
        entry: `struct` code of one entry: its tag, its type, how many values it has, and the rest.
        link: `struct` code of the offset that ends a directory; 0 ends the chain.
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
"""By a file's first bytes: TIFF 6.0 in both byte orders, then BigTIFF with its offsets of 8 bytes."""


_SIZES = (256, 257, 277, 322, 323, 32997, 32998)
"""Tags of width, length, samples a pixel, tile width, tile length, image depth and tile depth."""

_MOST_ENTRIES = 4096
"""Of one directory; the limit of tifffile, which real files stay a hundred times below."""

_WHOLE_NUMBERS = (1, 3, 4, 16)
"""Types of unsigned integers: BYTE, SHORT, LONG and LONG8."""


def directories(stream: BinaryIO, name: str) -> tuple[int, ...]:
    """List where the directories stand, in the order of their chain; one is one page.

    Raises:
        ImageError: the chain leaves the file, runs in a circle, or is empty or too long.
    """
    layout = _layout(stream)
    found: dict[int, None] = {}
    (place,) = _numbers(stream, layout.first, layout.link, name)
    while place:
        if place in found:
            raise unreadable(name, "links its pages in a circle")
        found[place] = None
        check_pages(name, len(found))
        (entries,) = _numbers(stream, place, layout.count, name)
        end = place + struct.calcsize(layout.count) + entries * struct.calcsize(layout.entry)
        (place,) = _numbers(stream, end, layout.link, name)
    if not found:
        raise unreadable(name, "holds no page")
    return tuple(found)


def check_sizes(stream: BinaryIO, place: int, name: str) -> None:
    """Refuse a directory of far too many entries, or where a size is anything but one whole number.

    tifffile multiplies sizes as it meets them, and a list or a text times a million fills the memory.

    Raises:
        ImageError: `unreadable`.
    """
    layout = _layout(stream)
    (entries,) = _numbers(stream, place, layout.count, name)
    if entries > _MOST_ENTRIES:
        raise unreadable(name)
    first = place + struct.calcsize(layout.count)
    for number in range(entries):
        at = first + number * struct.calcsize(layout.entry)
        tag, kind, count = _numbers(stream, at, layout.entry, name)
        if tag in _SIZES and (kind not in _WHOLE_NUMBERS or count != 1):
            raise unreadable(name)


def _layout(stream: BinaryIO) -> Layout:
    stream.seek(0)
    head = stream.read(8)
    return next(layout for magic, layout in LAYOUTS.items() if head.startswith(magic))


def _numbers(stream: BinaryIO, place: int, code: str, name: str) -> tuple[int, ...]:
    stream.seek(place)
    raw = stream.read(struct.calcsize(code))
    if len(raw) < struct.calcsize(code):
        raise truncated(name)
    return struct.unpack(code, raw)
