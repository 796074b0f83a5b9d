"""BMP: Windows bitmaps, which older viewers save."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, ClassVar, final

from PIL.BmpImagePlugin import BmpImageFile

from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import truncated_error
from unoqa.formats.parts.limits import check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file
from unoqa.formats.parts.pillow import convert_picture

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage

_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
"""Sizes in bytes of the DIB headers since OS/2 1.0."""


@final
class Bmp(Format):
    """Grey, colour and palette bitmaps of 1 to 32 bits, run-length encoded or not."""

    suffixes: ClassVar[tuple[str, ...]] = (".bmp", ".dib")

    def matches(self, head: bytes) -> bool:
        """Check for `BM` and a known header size after it; text files may begin with `BM` too."""
        size = int.from_bytes(head[14:18], "little")
        return head.startswith(b"BM") and size in _HEADER_SIZES

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey."""
        with open_image_file(path, name) as stream:
            check_only_page(page, name)
            data = stream.read()
            with BmpImageFile(BytesIO(data)) as picture:
                check_pixels(name, *picture.size)
                _check_length(picture, data, name)
                return convert_picture(picture, name)


def _check_length(picture: BmpImageFile, data: bytes, name: str) -> None:
    """Reject a bitmap that ends before its last pixel; the padding after that may be missing.

    A run-length encoded one needs no check: Pillow rejects it whatever its settings are.
    """
    bits = int.from_bytes(data[24:26] if data[14] == 12 else data[28:30], "little")
    columns, rows = picture.size
    for codec, _, offset, arguments in picture.tile:
        if codec == "raw" and isinstance(arguments, tuple):
            _, stride, _ = arguments
            if offset + stride * (rows - 1) + (columns * bits + 7) // 8 > len(data):
                raise truncated_error(name)
