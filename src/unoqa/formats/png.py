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
    """Grey, colour and palette pictures of 1 to 16 bits.

    Colour of 16 bits is read by its high byte, as Pillow does; grey of 16 bits keeps all of them, where it has no
    transparency.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def matches(self, head: bytes) -> bool:
        """Tell by the eight bytes of its signature."""
        return head.startswith(b"\x89PNG\r\n\x1a\n")

    def pages(self, path: Path) -> int:
        """Return 1: an animation counts as its default picture."""
        del path
        return 1

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the picture as grey."""
        return read_picture(PngImageFile, path, page, name)
