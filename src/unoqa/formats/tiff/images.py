"""Which images a TIFF holds: those of its directories, and those that programs store behind the data of one.

ImageJ, tifffile and MetaMorph may write a stack as a single directory, whose data the data of the other images follow;
only a note tells how many. If a note cannot be right, or data is left that nothing describes, the file is refused:
what is in it cannot be known.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.core.errors import ImageError
from unoqa.formats.parts.errors import hidden_images_error, unsupported_error
from unoqa.formats.parts.limits import check_pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.formats.tiff.directories import Directory, DirectoryReader

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _DESCRIPTION = 256, 257, 258, 259, 270
_STRIP_OFFSETS, _SAMPLES, _STRIP_BYTES, _TILE_BYTES, _SUB_DIRECTORIES, _DEPTH = 273, 277, 279, 325, 330, 32997
_METAMORPH_PLANES = 33629
"""UIC2Tag: it has one value for each plane."""

_NOT_SCANS = 0b1101
"""Bits of NewSubfileType: reduced image, transparency mask, and layer of a mixed document or depth map."""

_SMALLEST_REST = 4096
"""Bytes of the smallest image that is graded; writers leave shorter gaps between the parts of a file."""


@final
@dataclass(frozen=True, slots=True)
class StoredImage:
    """Where an image lies.

    Attributes:
        directory: the offset of the directory that describes it.
        plane: its number, from 0, among the images whose data follow one another there.
    """

    directory: int
    plane: int


@final
@dataclass(frozen=True)
class Contents:
    """What a TIFF holds.

    Attributes:
        first: offset of its first directory.
        images: in order.
        skipped: number of reduced images, thumbnails and masks, in the chain or below its directories.
    """

    first: int
    images: tuple[StoredImage, ...]
    skipped: int


def list_images(reader: DirectoryReader) -> Contents:
    """List the images of a file.

    Raises:
        ImageError: the chain of directories is broken, there are more than 10,000 images, or there is data of images
            that cannot be told apart.
    """
    chain = reader.read_chain()
    pages = [directory for directory in chain if not _is_skipped(reader, directory)]
    below = sum(entry.count for one in chain if (entry := one.entries.get(_SUB_DIRECTORIES)))
    if not pages:
        raise unsupported_error(reader.name, "holds only reduced images or masks")
    offsets = sorted(directory.offset for directory in chain)
    planes, images = [], list[StoredImage]()
    for number, page in enumerate(pages):
        noted = _read_note(reader, page, number, len(pages))
        planes.append(_check_note(reader, page, noted, offsets) if noted > 1 else 1)
        check_pages(reader.name, len(images) + planes[-1])
        images.extend(StoredImage(page.offset, plane) for plane in range(planes[-1]))
    if below == 0:
        _check_rest(reader, chain, dict(zip((page.offset for page in pages), planes, strict=True)), pages[0])
    return Contents(chain[0].offset, tuple(images), len(chain) - len(pages) + below)


def _is_skipped(reader: DirectoryReader, directory: Directory) -> bool:
    kind = reader.read_integer(directory, _NEW_SUBFILE_TYPE, 0)
    old = reader.read_integer(directory, _SUBFILE_TYPE, 1)
    return bool(kind & _NOT_SCANS) or (kind == 0 and old == 2)


def _read_note(reader: DirectoryReader, page: Directory, number: int, pages: int) -> int:
    """Return the number of images that a page says it stands for; 1 if the pages from it on are as many.

    Args:
        number: of the page, from 0, among all `pages`.
    """
    text = reader.read_text(page, _DESCRIPTION).rstrip(b"\x00")
    count, single = 1, pages == 1
    if text.startswith((b"{", b"shape=(")):
        pixels = prod(reader.read_integer(page, tag, 1) for tag in (_WIDTH, _LENGTH, _SAMPLES, _DEPTH))
        shape, truncated = _parse_shape(text)
        count = prod(shape) // pixels if pixels and prod(shape) % pixels == 0 else 1
        single = truncated or pages - number < count
    elif text.startswith(b"ImageJ="):
        numbers = {key: int(value) for key, value in re.findall(rb"(?m)^(\w+)=(\d{1,9})\s*$", text)}
        count = numbers.get(b"images") or prod(numbers.get(key, 1) for key in (b"channels", b"slices", b"frames"))
    elif _METAMORPH_PLANES in page.entries:
        count = page.entries[_METAMORPH_PLANES].count
    return count if single else 1


def _parse_shape(text: bytes) -> tuple[tuple[int, ...], bool]:
    """Return the shape in a note of tifffile, and whether it says that only the first image has a directory."""
    if text.startswith(b"shape="):  # until 2017
        return tuple(map(int, re.findall(rb"\d+", text))), False
    try:
        note = json.loads(text)
        shape = tuple(int(length) for length in note["shape"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return (), False
    return shape, note.get("truncated") is True


def _check_note(reader: DirectoryReader, page: Directory, noted: int, offsets: Sequence[int]) -> int:
    """Return the number of images of a page whose note tells of several.

    The note says nothing about this file if it was copied from another one, as programs do that save one image of a
    stack: then the image is compressed, or nothing follows it, or a directory does.

    Args:
        offsets: of all directories, sorted.

    Raises:
        ImageError: the file ends among the images.
    """
    place = _find_data(reader, page)
    if place is None:
        return 1
    start, size = place
    end = start + noted * size
    interrupted = bisect_right(offsets, start) < bisect_left(offsets, end)
    if interrupted or start + size >= reader.size:
        return 1
    if end > reader.size:
        whole = (reader.size - start) // size
        raise ImageError(
            "truncated", f"{reader.name} names {noted} images but ends after {whole}; copy or export it again."
        )
    return noted


def _find_data(reader: DirectoryReader, page: Directory) -> tuple[int, int] | None:
    """Return the offset and the bytes of an image that is stored uncompressed and in one piece; None for others."""
    offsets, counts = reader.read_integers(page, _STRIP_OFFSETS), reader.read_integers(page, _STRIP_BYTES)
    size = _count_bytes(reader, page)
    if not len(offsets) or not size or not _is_plain(reader, page):
        return None
    whole = len(offsets) == 1 or np.array_equal(offsets[:-1] + counts[:-1], offsets[1:])
    return (int(offsets[0]), size) if whole else None


def _check_rest(reader: DirectoryReader, chain: Sequence[Directory], planes: dict[int, int], first: Directory) -> None:
    """Reject a file with uncompressed images if it has room for another one that no directory describes."""
    size = _count_bytes(reader, first)
    if not size or not _is_plain(reader, first):
        return
    rest = reader.size
    for directory in chain:
        used = _count_used(reader, directory)
        if used is None:
            return
        rest -= directory.size + used * planes.get(directory.offset, 1)
    if rest >= max(size, _SMALLEST_REST):
        more = f"{rest // size} more image{'' if rest < 2 * size else 's'}"
        raise hidden_images_error(reader.name, f"holds data for {more} than its pages describe")


def _count_used(reader: DirectoryReader, directory: Directory) -> int | None:
    """Count the bytes of a directory's image in the file; None where that is not known.

    Some writers count the data of a whole stack as that of its first image, so the count alone is not believed.
    """
    counts = reader.read_integers(directory, _STRIP_BYTES if _STRIP_BYTES in directory.entries else _TILE_BYTES)
    size = _count_bytes(reader, directory) if _is_plain(reader, directory) else 0
    if not len(counts):
        return size or None
    stored = int(counts.sum(dtype=np.uint64))
    return min(stored, size) if size else stored


def _is_plain(reader: DirectoryReader, directory: Directory) -> bool:
    """Tell whether an image is stored in strips and without compression."""
    return reader.read_integer(directory, _COMPRESSION, 1) == 1 and _STRIP_OFFSETS in directory.entries


def _count_bytes(reader: DirectoryReader, directory: Directory) -> int:
    """Count the bytes of an image without compression; each row of bits fills whole bytes."""
    bits = int(reader.read_integers(directory, _BITS).max(initial=0)) or 1
    columns = reader.read_integer(directory, _WIDTH, 0) * reader.read_integer(directory, _SAMPLES, 1)
    rows = reader.read_integer(directory, _LENGTH, 0) * reader.read_integer(directory, _DEPTH, 1)
    return -(-columns * bits // 8) * rows
