"""Strips and tiles of a TIFF page: their sizes and positions are checked before any is decoded."""

from __future__ import annotations

from math import prod
from typing import BinaryIO

from tifffile import COMPRESSION, TiffPage

from unoqa.formats.parts.errors import truncated_error, unreadable_error, unsupported_error
from unoqa.formats.parts.jpeg_decoder import decode_jpeg, read_jpeg_header
from unoqa.formats.parts.limits import check_bytes, check_pixels

_SUPPORTED_COMPRESSIONS = (
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.JPEG,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
    COMPRESSION.ZSTD,
)
"""No others: each is one more decoder in C that a damaged file could reach."""


def check_segments(page: TiffPage, stream: BinaryIO, size: int, name: str) -> None:
    """Reject a page that is of an unsupported kind, incomplete, or too large when decoded.

    Args:
        size: bytes of the file.

    Raises:
        ImageError: `too-large`, `truncated`, `unreadable` or `unsupported`.
    """
    if page.compression not in _SUPPORTED_COMPRESSIONS:
        raise unsupported_error(name, f"has TIFF compression {int(page.compression)}")
    if page.dtype is None or page.dtype.kind not in "buif":
        raise unsupported_error(
            name, f"has {page.bitspersample}-bit samples of TIFF sample format {int(page.sampleformat)}"
        )
    if page.imagedepth != 1:
        raise unsupported_error(name, "holds a volume in one page")
    if not all(isinstance(side, int) and side > 0 for side in (*page.shaped, *page.chunks)):
        raise unreadable_error(name)
    check_pixels(name, page.imagewidth, page.imagelength)
    check_bytes(name, prod(page.shaped) * page.dtype.itemsize)
    check_bytes(name, prod(page.chunks) * page.dtype.itemsize)
    _check_positions(page, size, name)
    if page.compression == COMPRESSION.JPEG:
        _check_jpegs(page, stream, name)


def _check_positions(page: TiffPage, size: int, name: str) -> None:
    """Reject a segment that is missing, empty or beyond the file's end; tifffile would return black pixels for it."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(segments) < prod(page.chunked) or any(
        offset == 0 or count == 0 or offset + count > size for offset, count in segments
    ):
        raise truncated_error(name)


def _check_jpegs(page: TiffPage, stream: BinaryIO, name: str) -> None:
    """Reject a JPEG that is damaged, or larger than its segment; decoders trust the size in the JPEG."""
    rows, columns = page.chunks[:2]
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        stream.seek(offset)
        data = _add_tables(stream.read(count), page.jpegtables)
        header = read_jpeg_header(data, name)
        if header.columns > columns or header.rows > rows:
            raise unreadable_error(name, "holds a JPEG larger than its own page")
        decode_jpeg(data, "CMYK" if header.colours == "CMYK" else "GRAY", name)


def _add_tables(segment: bytes, tables: bytes | None) -> bytes:
    """Return a segment with the tables that all segments of its page share, which lie in a tag as a JPEG of their own.

    Both begin with the marker of a JPEG's start, and the tables end with that of its end.
    """
    return segment if tables is None else tables.removesuffix(b"\xff\xd9") + segment[2:]
