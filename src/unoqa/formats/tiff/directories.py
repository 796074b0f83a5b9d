"""The chain of image directories in a TIFF, followed strictly; a directory describes one page.

tifffile stops without an error where the chain is broken, and pages would be lost unnoticed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO, final

import numpy as np
from jaxtyping import UInt

from unoqa.formats.parts.errors import too_large_error, truncated_error, unreadable_error
from unoqa.formats.parts.limits import check_pages


@final
@dataclass(frozen=True)
class Layout:
    """How one of the four kinds of TIFF stores its directories.

    Attributes:
        first: position in the file of the offset of the first directory.
        count: `struct` code of the number of entries, with which a directory begins.
        entry: `struct` code of one entry: its tag, its type, its number of values, and the values or their offset.
        link: `struct` code of the offset of the next directory, with which a directory ends; 0 ends the chain.
    """

    first: int
    count: str
    entry: str
    link: str


LAYOUTS = {
    b"II*\x00": Layout(first=4, count="<H", entry="<HHI4s", link="<I"),
    b"MM\x00*": Layout(first=4, count=">H", entry=">HHI4s", link=">I"),
    b"II+\x00\x08\x00\x00\x00": Layout(first=8, count="<Q", entry="<HHQ8s", link="<Q"),
    b"MM\x00+\x00\x08\x00\x00": Layout(first=8, count=">Q", entry=">HHQ8s", link=">Q"),
}
"""By the first bytes of a file: TIFF 6.0 in both byte orders, then BigTIFF, whose offsets have 8 bytes."""

_SIZE_TAGS = (256, 257, 277, 322, 323, 32997, 32998)
"""Tags of width, length, samples per pixel, tile width, tile length, image depth and tile depth."""

_MAX_ENTRIES = 4096
"""Entries of one directory: tifffile's limit, a hundred times what real files have."""

_MAX_VALUES = 2**26
"""Values of all entries together that are read: 10,000 pages of several thousand strips."""

_MAX_TEXT = 2**16
"""Bytes of a text that are read."""

_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
"""Types of unsigned integers: BYTE, SHORT, LONG and LONG8."""

_TYPE_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value by type, if not 1."""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a directory.

    Attributes:
        kind: number of the type of its values.
        count: number of its values.
        field: the values themselves or, if they do not fit in here, their offset.
    """

    kind: int
    count: int
    field: bytes

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return self.count * _TYPE_SIZES.get(self.kind, 1)


@final
@dataclass(frozen=True)
class Directory:
    """One directory.

    Attributes:
        offset: its position in the file.
        size: its bytes, and those of the values that lie elsewhere.
        entries: by tag.
    """

    offset: int
    size: int
    entries: dict[int, Entry]


@final
class DirectoryReader:
    """Reads directories and their values from an open TIFF.

    Attributes:
        size: bytes of the file.
        name: of the file, for error messages.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.size = stream.seek(0, 2)
        self._stream = stream
        self._values = 0
        stream.seek(0)
        head = stream.read(8)
        self._layout = next(layout for magic, layout in LAYOUTS.items() if head.startswith(magic))

    def read_chain(self) -> list[Directory]:
        """Read all directories, in the order of the chain.

        Raises:
            ImageError: the chain leaves the file, runs in a circle, is empty or is too long.
        """
        found: dict[int, Directory] = {}
        (offset,) = self._unpack(self._layout.first, self._layout.link)
        while offset:
            if offset in found:
                raise unreadable_error(self.name, "links its pages in a circle")
            check_pages(self.name, len(found) + 1)
            found[offset], offset = self._read_directory(offset)
        if not found:
            raise unreadable_error(self.name, "holds no page")
        return list(found.values())

    def check_sizes(self, offset: int) -> None:
        """Reject a directory that has far too many entries, or a size that is not a single unsigned integer.

        tifffile multiplies sizes without a check, and a list or a text multiplied by a million fills the memory.

        Raises:
            ImageError: `unreadable`.
        """
        (count,) = self._unpack(offset, self._layout.count)
        if count > _MAX_ENTRIES:
            raise unreadable_error(self.name)
        first = offset + struct.calcsize(self._layout.count)
        entries = self._read(first, count * struct.calcsize(self._layout.entry))
        for tag, kind, values, _ in struct.iter_unpack(self._layout.entry, entries):
            if tag in _SIZE_TAGS and (kind not in _INTEGERS or values != 1):
                raise unreadable_error(self.name)

    def read_integers(self, directory: Directory, tag: int) -> UInt[np.ndarray, " values"]:
        """Return the values of a tag; none if it is missing, is of another type, or is cut off.

        Raises:
            ImageError: `too-large`, after far too many values.
        """
        entry = directory.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return np.empty(0, dtype=np.uint8)
        self._values += entry.count
        if self._values > _MAX_VALUES:
            raise too_large_error(self.name, "has far too many strips")
        code = np.dtype(self._layout.link[0] + _INTEGERS[entry.kind])
        return np.frombuffer(self._read_values(entry), dtype=code).astype(code.newbyteorder("="))

    def read_integer(self, directory: Directory, tag: int, default: int) -> int:
        """Return the only value of a tag; the default if it is missing or has several."""
        entry = directory.entries.get(tag)
        return default if entry is None or entry.count != 1 else int((*self.read_integers(directory, tag), default)[0])

    def read_text(self, directory: Directory, tag: int) -> bytes:
        """Return a text, but no more than its first 65,536 bytes; an empty one if it is missing."""
        entry = directory.entries.get(tag)
        if entry is None or entry.kind != 2:
            return b""
        return self._read_values(entry if entry.size <= _MAX_TEXT else replace(entry, count=_MAX_TEXT))

    def _read_directory(self, offset: int) -> tuple[Directory, int]:
        """Return a directory and the offset of the next one."""
        layout = self._layout
        (count,) = self._unpack(offset, layout.count)
        first, width = offset + struct.calcsize(layout.count), struct.calcsize(layout.entry)
        (following,) = self._unpack(first + count * width, layout.link)
        entries: dict[int, Entry] = {}
        size = struct.calcsize(layout.count) + count * width + struct.calcsize(layout.link)
        if count <= _MAX_ENTRIES:  # reading its page reports one with more
            for tag, *rest in struct.iter_unpack(layout.entry, self._read(first, count * width)):
                entry = entries.setdefault(tag, Entry(*rest))
                size += entry.size if entry.size > len(entry.field) else 0
        return Directory(offset, size, entries), following

    def _read_values(self, entry: Entry) -> bytes:
        if entry.size <= len(entry.field):
            return entry.field[: entry.size]
        (offset,) = struct.unpack(self._layout.link, entry.field)
        if offset >= self.size:
            return b""
        self._stream.seek(offset)
        values = self._stream.read(entry.size)
        return values if entry.kind == 2 or len(values) == entry.size else b""

    def _unpack(self, offset: int, code: str) -> tuple[int, ...]:
        return struct.unpack(code, self._read(offset, struct.calcsize(code)))

    def _read(self, offset: int, count: int) -> bytes:
        if offset + count > self.size:
            raise truncated_error(self.name)
        self._stream.seek(offset)
        return self._stream.read(count)
