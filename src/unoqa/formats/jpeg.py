"""JPEG: lossy, but still common in clinics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import unsupported_error
from unoqa.formats.parts.grey import make_grey_image
from unoqa.formats.parts.jpeg_decoder import decode_jpeg, read_jpeg_header
from unoqa.formats.parts.limits import check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


@final
class Jpeg(Format):
    """Grey and colour images of 8 bits; CMYK is not read."""

    suffixes: ClassVar[tuple[str, ...]] = (".jpg", ".jpeg", ".jpe", ".jfif")

    def matches(self, head: bytes) -> bool:
        """Check for the start-of-image marker and the first byte of the next marker."""
        return head.startswith(b"\xff\xd8\xff")

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the image as grey; an EXIF orientation is not applied.

        CMYK is left out on purpose: without the printer's profile, ink has no defined brightness.
        """
        with open_image_file(path, name) as stream:
            check_only_page(page, name)
            data = stream.read()
            header = read_jpeg_header(data, name)
            check_pixels(name, header.columns, header.rows)
            if header.colours == "CMYK":
                raise unsupported_error(name, "holds CMYK pixels")
            return make_grey_image(decode_jpeg(data, header.colours, name), 8, name)
