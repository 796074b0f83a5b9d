"""What the compressed data of a frame say of themselves; they are believed where the header says otherwise."""

from __future__ import annotations

import struct
from typing import NamedTuple, final

from unoqa.formats.parts.errors import truncated_error, unreadable_error, unsupported_error

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HIGH_THROUGHPUT = "1.2.840.10008.1.2.4.20"
"""Beginning of the syntaxes of high-throughput JPEG 2000, whose data begin as those of JPEG 2000 do."""

RLE = "1.2.840.10008.1.2.5"

_FRAMES_OF_JPEG = {0xC0: JPEG_BASELINE, 0xC1: JPEG_EXTENDED, 0xC2: JPEG_EXTENDED, 0xC3: JPEG_LOSSLESS, 0xF7: JPEG_LS}
"""The kind of data that each start-of-frame marker begins (ITU-T T.81, table B.1; T.87, table C.1)."""

_OTHER_FRAMES = {0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of hierarchical and arithmetic coding, which no decoder here knows."""

_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}

_END, _PADDING = b"\xff\xd9", 16
"""The last marker of all of them, and the most bytes that a writer may have put after it."""


@final
class Codestream(NamedTuple):
    """The kind of a frame's data, as a transfer syntax; its size in pixels; the bits of a sample."""

    syntax: str
    rows: int
    columns: int
    bits: int


def read_codestream(data: bytes, name: str) -> Codestream | None:
    """Read the first headers of a frame's data; None if they are of no kind that has any.

    Raises:
        ImageError: `truncated` if the end of the data is missing, `unreadable` if their headers are damaged,
            `unsupported` if they are of a kind of JPEG that is not decoded.
    """
    if data.startswith(b"\xff\xd8"):
        found = _read_jpeg(data, name)
    elif data.startswith(b"\xff\x4f\xff\x51"):
        found = _read_jpeg_2000(data, name)
    else:
        return None
    if _END not in data[-_PADDING:]:
        raise truncated_error(name)
    return found


def _read_jpeg(data: bytes, name: str) -> Codestream:
    """Walk the segments up to the start of the frame (ITU-T T.81, annex B)."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            start += 1 if marker == 0xFF else 2
        elif marker in _OTHER_FRAMES:
            raise unsupported_error(name, "holds hierarchical or arithmetic-coded JPEG data")
        elif marker in _FRAMES_OF_JPEG and start + 9 <= len(data):
            bits, rows, columns = struct.unpack(">BHH", data[start + 4 : start + 9])
            return Codestream(_FRAMES_OF_JPEG[marker], rows, columns, bits)
        else:
            start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    raise unreadable_error(name)


def _read_jpeg_2000(data: bytes, name: str) -> Codestream:
    """Read the segment SIZ, which is the first (ITU-T T.800, A.5.1)."""
    if len(data) < 43:
        raise truncated_error(name)
    right, bottom, left, top = struct.unpack(">4I", data[8:24])
    return Codestream(JPEG_2000, bottom - top, right - left, (data[42] & 0x7F) + 1)
