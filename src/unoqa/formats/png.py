"""PNG: what most devices and viewers export."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar, final

from PIL import ImageFile
from PIL.PngImagePlugin import PngImageFile

from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import truncated_error, unreadable_error
from unoqa.formats.parts.limits import check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file
from unoqa.formats.parts.pillow import convert_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.core.image import EnfaceImage

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type: grey, RGB, palette, grey with alpha, RGB with alpha."""

_PASSES = {
    0: ((0, 0, 1, 1),),
    1: ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
}
"""By interlace method, first column, first row and steps of the pixels of each pass (PNG specification, section 8)."""


@final
class Png(Format):
    """Grey, colour and palette images of 1 to 16 bits.

    Grey of 16 bits without transparency keeps all 16 bits. Colour of 16 bits keeps the high byte, as in Pillow.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def matches(self, head: bytes) -> bool:
        """Check for the signature of eight bytes."""
        return head.startswith(_SIGNATURE)

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey."""
        with open_image_file(path, name) as stream:
            check_only_page(page, name)
            picture = _keep_picture(stream.read(), name)
            with PngImageFile(BytesIO(picture)) as opened:
                return convert_picture(opened, name)


def _keep_picture(data: bytes, name: str) -> bytes:
    """Return the file without its notes, once every chunk has its checksum and all pixels are there.

    Notes are chunks that change no pixel, or only a transparency that is ignored.
    """
    chunks = list(_read_chunks(memoryview(data), name))
    kinds = [bytes(chunk[4:8]) for chunk in chunks]
    if kinds[0] != b"IHDR" or len(chunks[0]) != 25:
        raise unreadable_error(name)
    columns, rows, bits, colours, interlace = struct.unpack(">IIBB2xB", chunks[0][8:21])
    check_pixels(name, columns, rows)
    if colours not in _SAMPLES or interlace not in _PASSES:
        raise unreadable_error(name)
    if ImageFile.LOAD_TRUNCATED_IMAGES:  # else Pillow itself counts
        wanted = sum(_count_pass(columns, rows, bits * _SAMPLES[colours], steps) for steps in _PASSES[interlace])
        packed = [chunk[8:-4] for chunk, kind in zip(chunks, kinds, strict=True) if kind == b"IDAT"]
        if _count_unpacked(packed, wanted) < wanted:
            raise truncated_error(name)
    kept = [chunk for chunk, kind in zip(chunks, kinds, strict=True) if kind[:1].isupper()]
    return b"".join([_SIGNATURE, *kept])


def _read_chunks(data: memoryview, name: str) -> Iterator[memoryview]:
    """Yield each chunk – length, type, content, checksum – to the last, `IEND`."""
    start = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if len(data) < start + 12:
            raise truncated_error(name)
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        chunk = data[start : start + 12 + length]
        if len(chunk) < 12 + length:
            raise truncated_error(name)
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise unreadable_error(name)
        yield chunk
        start += len(chunk)


def _count_pass(columns: int, rows: int, bits: int, steps: tuple[int, int, int, int]) -> int:
    """Count the bytes of a pass: of each row, its filter type and its pixels of so many bits."""
    first_column, first_row, step_x, step_y = steps
    across = len(range(first_column, columns, step_x))
    return len(range(first_row, rows, step_y)) * (1 + -(-across * bits // 8)) if across else 0


def _count_unpacked(packed: Sequence[memoryview], wanted: int) -> int:
    """Count the bytes that the image data unpacks to, up to those wanted; what follows them is ignored."""
    stream, count = zlib.decompressobj(), 0
    for part in packed:
        rest: bytes | memoryview = part
        while rest and count < wanted:
            count += len(stream.decompress(rest, 2**20))
            rest = stream.unconsumed_tail
    return count if count >= wanted else count + len(stream.flush())
