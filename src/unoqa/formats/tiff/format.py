"""TIFF: 16-bit and float exports, stacks of several en-face images, ImageJ, OME."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from jaxtyping import Float32, Shaped
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile, TiffPage

from unoqa.core.contracts import Format
from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable, unsupported
from unoqa.formats.parts.grey import grey
from unoqa.formats.parts.opening import opened
from unoqa.formats.tiff.directories import LAYOUTS, check_sizes, directories
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
"""Samples that carry colour; TIFF 6.0 lets a reader drop those after them (ExtraSamples), alpha included."""


@final
class Tiff(Format):
    """Pages of 1 to 64 bits, integer or float, striped or tiled, TIFF 6.0 or BigTIFF.

    Every page is an image of its own, also where ImageJ or OME would show them as one volume.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff", ".btf", ".tf8")

    def matches(self, head: bytes) -> bool:
        """Tell by byte order and version."""
        return head.startswith(tuple(LAYOUTS))

    def pages(self, path: Path) -> int:
        """Count the directories of the file.

        Raises:
            ImageError: their chain is broken, or longer than 10,000.
        """
        with opened(path, path.name) as stream:
            return len(directories(stream, path.name))

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one page as grey.

        Raises:
            ImageError: the file is damaged (in any page's directory), too large or of an unsupported kind.
        """
        with opened(path, name) as stream:
            places = directories(stream, name)
            if page >= len(places):
                raise unreadable(name, f"has no page {page + 1}")
            for place in {places[0], places[page]}:  # tifffile parses the first page in any case
                check_sizes(stream, place, name)
            stream.seek(0)  # tifffile counts from where the stream stands
            # Without the private rules of three vendors, whose pages are not those of the chain.
            with TiffFile(stream, is_lsm=False, is_ndpi=False, is_scanimage=False) as file:
                leaf = file.pages[page]
                if not isinstance(leaf, TiffPage):
                    raise unreadable(name)
                check_segments(leaf, stream, path.stat().st_size, name)
                return EnfaceImage(name, _brightness(leaf, name))


def _brightness(page: TiffPage, name: str) -> Float32[np.ndarray, "rows columns"]:
    photometric = _photometric(page, name)
    # On this thread alone: what another one printed would escape the silence around it.
    planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]
    samples = np.concatenate(list(planes), axis=-1)[:, :, : _COLOUR_CHANNELS[photometric]]
    if photometric is PHOTOMETRIC.PALETTE:
        return _through_palette(samples, page, name)
    brightness = grey(samples, _depth(page, samples), name)
    return 1.0 - brightness if photometric is PHOTOMETRIC.MINISWHITE else brightness


def _photometric(page: TiffPage, name: str) -> PHOTOMETRIC:
    kind = page.photometric
    if not isinstance(kind, PHOTOMETRIC) or kind not in _COLOUR_CHANNELS:
        raise unsupported(name, f"holds colours of kind {int(kind)} of TIFF")
    if kind is PHOTOMETRIC.YCBCR and page.compression != COMPRESSION.JPEG:
        raise unsupported(name, "holds YCbCr outside JPEG")
    return kind


def _depth(page: TiffPage, samples: Shaped[np.ndarray, "rows columns samples"]) -> int:
    """Return the bits of one sample; where they differ (RGB 5-6-5), tifffile has filled the type."""
    bits = page.bitspersample
    return bits if isinstance(bits, int) else 8 * samples.dtype.itemsize


def _through_palette(
    indices: Shaped[np.ndarray, "rows columns 1"], page: TiffPage, name: str
) -> Float32[np.ndarray, "rows columns"]:
    palette = np.asarray(page.colormap, dtype=np.uint16)
    # Writers fill 16 bits with v·256 or v·257, some with v alone: they agree on the byte v.
    byte = palette >> 8 if palette.max() > 255 else palette
    return grey(byte.T[indices[:, :, 0]], 8, name)
