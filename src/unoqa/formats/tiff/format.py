"""TIFF: 16-bit and float exports, stacks of several en-face images, ImageJ, OME."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from jaxtyping import Float32, Shaped
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile, TiffPage

from unoqa.core.contracts import Format
from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable_error, unsupported_error
from unoqa.formats.parts.grey import convert_to_grey
from unoqa.formats.parts.opening import open_image_file
from unoqa.formats.tiff.directories import LAYOUTS, check_sizes, list_directories
from unoqa.formats.tiff.segments import check_segments

if TYPE_CHECKING:
    from pathlib import Path

_COLOUR_CHANNELS = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.YCBCR: 3,
}
"""Number of samples that carry colour; TIFF 6.0 allows dropping those after them (ExtraSamples), alpha included."""


@final
class Tiff(Format):
    """Pages of 1 to 64 bits, integer or float, in strips or tiles, TIFF 6.0 or BigTIFF.

    Each page is an image of its own, even where ImageJ or OME would show the pages as one volume.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff", ".btf", ".tf8")

    def matches(self, head: bytes) -> bool:
        """Check for a byte order and a version."""
        return head.startswith(tuple(LAYOUTS))

    def count_pages(self, path: Path) -> int:
        """Count the directories of the file.

        Raises:
            ImageError: their chain is broken, or longer than 10,000.
        """
        with open_image_file(path, path.name) as stream:
            return len(list_directories(stream, path.name))

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one page as grey.

        Raises:
            ImageError: the file is damaged (in the directory of any page), too large or of an unsupported kind.
        """
        with open_image_file(path, name) as stream:
            offsets = list_directories(stream, name)
            if page >= len(offsets):
                raise unreadable_error(name, f"has no page {page + 1}")
            for offset in {offsets[0], offsets[page]}:  # tifffile always parses the first page
                check_sizes(stream, offset, name)
            stream.seek(0)  # tifffile counts from the stream's position
            # Without the private rules of three vendors, whose pages differ from those of the chain.
            with TiffFile(stream, is_lsm=False, is_ndpi=False, is_scanimage=False) as file:
                leaf = file.pages[page]
                if not isinstance(leaf, TiffPage):
                    raise unreadable_error(name)
                check_segments(leaf, stream, path.stat().st_size, name)
                return EnfaceImage(name, _read_brightness(leaf, name))


def _read_brightness(page: TiffPage, name: str) -> Float32[np.ndarray, "rows columns"]:
    photometric = _check_photometric(page, name)
    # On this thread only: the messages of another thread could escape the silence of `open_image_file`.
    planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]
    samples = np.concatenate(list(planes), axis=-1)[:, :, : _COLOUR_CHANNELS[photometric]]
    if photometric is PHOTOMETRIC.PALETTE:
        return _apply_palette(samples, page, name)
    brightness = convert_to_grey(samples, _count_bits(page, samples), name)
    return 1.0 - brightness if photometric is PHOTOMETRIC.MINISWHITE else brightness


def _check_photometric(page: TiffPage, name: str) -> PHOTOMETRIC:
    photometric = page.photometric
    if not isinstance(photometric, PHOTOMETRIC) or photometric not in _COLOUR_CHANNELS:
        raise unsupported_error(name, f"has TIFF photometric interpretation {int(photometric)}")
    if photometric is PHOTOMETRIC.YCBCR and page.compression != COMPRESSION.JPEG:
        raise unsupported_error(name, "holds YCbCr colours without JPEG compression")
    return photometric


def _count_bits(page: TiffPage, samples: Shaped[np.ndarray, "rows columns samples"]) -> int:
    """Return the bits of one sample; where samples differ (RGB 5-6-5), tifffile has scaled them to the full type."""
    bits = page.bitspersample
    return bits if isinstance(bits, int) else 8 * samples.dtype.itemsize


def _apply_palette(
    indices: Shaped[np.ndarray, "rows columns 1"], page: TiffPage, name: str
) -> Float32[np.ndarray, "rows columns"]:
    palette = np.asarray(page.colormap, dtype=np.uint16)
    # Programs write a byte v into the 16 bits as v·256, v·257 or, some, as v.
    byte = palette >> 8 if palette.max() > 255 else palette
    return convert_to_grey(byte.T[indices[:, :, 0]], 8, name)
