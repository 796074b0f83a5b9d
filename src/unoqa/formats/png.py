"""PNG: what most devices and viewers export."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from PIL.PngImagePlugin import PngImageFile

from unoqa.core.contracts import Format
from unoqa.formats.parts.pillow import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


@final
class Png(Format):
    """Grey, colour and palette images of 1 to 16 bits.

    Grey of 16 bits without transparency keeps all 16 bits. Colour of 16 bits keeps the high byte, as in Pillow.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def matches(self, head: bytes) -> bool:
        """Check for the signature of eight bytes."""
        return head.startswith(b"\x89PNG\r\n\x1a\n")

    def count_pages(self, path: Path) -> int:
        """Return 1: of an animation, only the default image is read."""
        del path
        return 1

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey."""
        return read_picture(PngImageFile, path, page, name)
