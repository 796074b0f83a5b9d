"""The chain of image directories in a TIFF, walked strictly.

tifffile ends its own walk in silence where the chain is broken, and pages would be lost unseen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, final

from unoqa.formats.parts.limits import check_pages
from unoqa.formats.parts.refusals import truncated, unreadable


@final
@dataclass(frozen=True)
class Layout:
    """How one of the four kinds of TIFF writes its directories.

    Attributes:
        first: where the offset of the first directory stands.
        count: `struct` code of the number of entries that opens a directory.
        entry: bytes of one entry.
        link: `struct` code of the offset that ends a directory; 0 ends the chain.
    """

    first: int
    count: str
    entry: int
    link: str


LAYOUTS = {
    b"II*\x00": Layout(first=4, count="<H", entry=12, link="<I"),
    b"MM\x00*": Layout(first=4, count=">H", entry=12, link=">I"),
    b"II+\x00\x08\x00\x00\x00": Layout(first=8, count="<Q", entry=20, link="<Q"),
    b"MM\x00+\x00\x08\x00\x00": Layout(first=8, count=">Q", entry=20, link=">Q"),
}
"""By a file's first bytes: TIFF 6.0 in both byte orders, then BigTIFF with its offsets of 8 bytes."""


def directories(stream: BinaryIO, name: str) -> tuple[int, ...]:
    """List where the directories stand, in the order of their chain; one is one page.

    Raises:
        ImageError: the chain leaves the file, runs in a circle, or is empty or too long.
    """
    head = stream.read(8)
    layout = next(layout for magic, layout in LAYOUTS.items() if head.startswith(magic))
    found: dict[int, None] = {}
    place = layout.first
    while offset := _number(stream, place, layout.link, name):
        if offset in found:
            raise unreadable(name, "links its pages in a circle")
        found[offset] = None
        check_pages(name, len(found))
        entries = _number(stream, offset, layout.count, name)
        place = offset + struct.calcsize(layout.count) + entries * layout.entry
    if not found:
        raise unreadable(name, "holds no page")
    return tuple(found)


def _number(stream: BinaryIO, place: int, code: str, name: str) -> int:
    stream.seek(place)
    raw = stream.read(struct.calcsize(code))
    if len(raw) < struct.calcsize(code):
        raise truncated(name)
    return int(struct.unpack(code, raw)[0])
