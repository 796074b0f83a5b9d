"""JPEG: lossy, but still common in clinics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from PIL.JpegImagePlugin import JpegImageFile

from unoqa.core.contracts import Format
from unoqa.formats.parts.pillow import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


@final
class Jpeg(Format):
    """Grey and colour images of 8 bits; CMYK is refused."""

    suffixes: ClassVar[tuple[str, ...]] = (".jpg", ".jpeg", ".jpe", ".jfif")

    def matches(self, head: bytes) -> bool:
        """Check for the start-of-image marker and the first byte of the next marker."""
        return head.startswith(b"\xff\xd8\xff")

    def count_pages(self, path: Path) -> int:
        """Return 1: thumbnails and further images (MPO) are not the en-face image."""
        del path
        return 1

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey."""
        return read_picture(JpegImageFile, path, page, name)
