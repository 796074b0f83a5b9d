"""BMP: Windows bitmaps, which older viewers save."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from PIL.BmpImagePlugin import BmpImageFile

from unoqa.core.contracts import Format
from unoqa.formats.parts.pillow import read_picture

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

    def count_pages(self, path: Path) -> int:
        """Return 1: a bitmap has no pages."""
        del path
        return 1

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey."""
        return read_picture(BmpImageFile, path, page, name)
