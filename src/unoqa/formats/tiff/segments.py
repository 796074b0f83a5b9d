"""Strips and tiles of a TIFF page: what they claim is checked before any is decoded."""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import BinaryIO

from PIL.JpegImagePlugin import JpegImageFile
from tifffile import COMPRESSION, TiffPage

from unoqa.formats.parts.errors import truncated, unreadable, unsupported
from unoqa.formats.parts.limits import check_bytes, check_pixels

_DECODED = (
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.JPEG,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
    COMPRESSION.ZSTD,
)
"""All others stay closed: each is one more decoder in C that a damaged file could reach."""


def check_segments(page: TiffPage, stream: BinaryIO, size: int, name: str) -> None:
    """Refuse a page that is of an unsupported kind, incomplete, or decodes to too much.

    Args:
        size: bytes of the file.

    Raises:
        ImageError: `too-large`, `truncated`, `unreadable` or `unsupported`.
    """
    if page.compression not in _DECODED:
        raise unsupported(name, f"is compressed by method {int(page.compression)} of TIFF")
    if page.dtype is None or page.dtype.kind not in "buif":
        raise unsupported(name, f"holds {page.bitspersample}-bit samples of kind {int(page.sampleformat)}")
    if page.imagedepth != 1:
        raise unsupported(name, "holds a volume in one page")
    if not all(isinstance(side, int) and side > 0 for side in (*page.shaped, *page.chunks)):
        raise unreadable(name)
    check_pixels(name, page.imagewidth, page.imagelength)
    check_bytes(name, prod(page.shaped) * page.dtype.itemsize)
    check_bytes(name, prod(page.chunks) * page.dtype.itemsize)
    _check_places(page, size, name)
    if page.compression == COMPRESSION.JPEG:
        _check_frames(page, stream, name)


def _check_places(page: TiffPage, size: int, name: str) -> None:
    """A segment of no bytes would be decoded as black: a hole that nobody drew."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(segments) < prod(page.chunked) or any(
        offset == 0 or count == 0 or offset + count > size for offset, count in segments
    ):
        raise truncated(name)


def _check_frames(page: TiffPage, stream: BinaryIO, name: str) -> None:
    """A JPEG has a size of its own, and decoders believe it: refuse a larger one, as libtiff does."""
    rows, columns = page.chunks[:2]
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        stream.seek(offset)
        with JpegImageFile(BytesIO(stream.read(count))) as frame:
            if frame.width > columns or frame.height > rows:
                raise unreadable(name, "holds a JPEG larger than its own page")
