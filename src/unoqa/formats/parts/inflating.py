"""Unpacking what zlib packed, up to the limit of a file."""

from __future__ import annotations

import zlib

from unoqa.formats.parts.errors import too_large_error, truncated_error
from unoqa.formats.parts.limits import MAX_BYTES

ZLIB, GZIP, DEFLATE = zlib.MAX_WBITS, zlib.MAX_WBITS | 16, -zlib.MAX_WBITS
"""What surrounds the packed data, in zlib's words: its own header, that of gzip, or none."""


def inflate(packed: bytes, wrapper: int, name: str, *, taken: int = 0) -> bytes:
    """Unpack data to their end; where they have a checksum, it is checked.

    Args:
        wrapper: `ZLIB`, `GZIP` or `DEFLATE`.
        taken: bytes of the limit that other data of the file take.

    Raises:
        ImageError: `too-large`, or `truncated`.
        zlib.error: the data are damaged.
    """
    most = MAX_BYTES - taken
    stream = zlib.decompressobj(wrapper)
    inflated = stream.decompress(packed, most + 1)
    if len(inflated) > most:
        raise too_large_error(name, f"takes more than {MAX_BYTES // 10**6} MB once unpacked")
    if not stream.eof:
        raise truncated_error(name)
    return inflated
