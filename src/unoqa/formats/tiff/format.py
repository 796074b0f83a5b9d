"""TIFF: 16-bit and float exports, stacks of several en-face images, ImageJ, OME."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, ClassVar, final

import numpy as np
from jaxtyping import Shaped
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffFrame, TiffPage

from unoqa.core.errors import ImageError
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import hidden_images_error, unreadable_error, unsupported_error
from unoqa.formats.parts.grey import make_grey_image
from unoqa.formats.parts.opening import open_image_file
from unoqa.formats.tiff.directories import LAYOUTS, DirectoryReader
from unoqa.formats.tiff.images import Contents, list_images
from unoqa.formats.tiff.segments import check_segments

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage

_COLOUR_CHANNELS = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.YCBCR: 3,
}
"""Number of samples that carry colour; TIFF 6.0 allows dropping those after them (ExtraSamples), alpha included."""

_ALPHA = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)


@final
class Tiff(Format):
    """Pages of 1 to 64 bits, integer or float, in strips or tiles, TIFF 6.0 or BigTIFF.

    Each page is an image of its own, even where ImageJ or OME would show the pages as one volume, and so is each image
    of a stack that has one directory only. Reduced images, thumbnails and masks are left out.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff", ".btf", ".tf8")
    apart: ClassVar[bool] = True

    def matches(self, head: bytes) -> bool:
        """Check for a byte order and a version."""
        return head.startswith(tuple(LAYOUTS))

    def count_pages(self, path: Path) -> int:
        """Count the images in the file.

        Raises:
            ImageError: the chain of directories is broken, there are more than 10,000 images, or there are data of
                images that no directory describes.
        """
        with open_image_file(path, path.name) as stream:
            return len(_find_contents(path, stream, path.name).images)

    def count_skipped(self, path: Path) -> int:
        """Count the reduced images, thumbnails and masks.

        Raises:
            ImageError: as `count_pages`.
        """
        with open_image_file(path, path.name) as stream:
            return _find_contents(path, stream, path.name).skipped

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one image as grey.

        Raises:
            ImageError: the file is damaged (in the directory of any page), too large or of an unsupported kind.
        """
        with open_image_file(path, name) as stream:
            contents = _find_contents(path, stream, name)
            if page >= len(contents.images):
                raise unreadable_error(name, f"has no page {page + 1}")
            image, reader = contents.images[page], DirectoryReader(stream, name)
            for offset in {contents.first, image.directory}:  # tifffile always parses the first directory
                reader.check_sizes(offset)
            stream.seek(0)  # tifffile counts from the stream's position
            # Without the private rules of three vendors, whose pages differ from those of the chain.
            with TiffFile(stream, is_lsm=False, is_ndpi=False, is_scanimage=False) as file:
                file.filehandle.seek(image.directory)
                leaf = TiffPage(file, page)
                check_segments(leaf, stream, reader.size, name)
                return _read_image(leaf, image.plane, name)


def _find_contents(path: Path, stream: BinaryIO, name: str) -> Contents:
    """List the images of an open file; its chain of directories is followed once for all of its pages."""
    status = os.fstat(stream.fileno())
    try:
        return _list_once(path, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    except ImageError:
        return list_images(DirectoryReader(stream, name))  # the same error, with the name that the image has


@lru_cache(maxsize=16)
def _list_once(path: Path, identity: tuple[int, ...]) -> Contents:
    """List the images of a file; a file of another identity is read again."""
    del identity
    with open_image_file(path, path.name) as stream:
        return list_images(DirectoryReader(stream, path.name))


def _read_image(page: TiffPage, plane: int, name: str) -> EnfaceImage:
    photometric = _check_photometric(page, name)
    _check_samples(page, _COLOUR_CHANNELS[photometric], name)
    # On this thread only: the messages of another thread could escape the silence of `open_image_file`.
    planes = _select_plane(page, plane).asarray(squeeze=False, maxworkers=1)[:, 0]
    samples = np.concatenate(list(planes), axis=-1)[:, :, : _COLOUR_CHANNELS[photometric]]
    if photometric is PHOTOMETRIC.PALETTE:
        return _apply_palette(samples, page, name)
    white_is_zero = photometric is PHOTOMETRIC.MINISWHITE
    return make_grey_image(samples, _count_bits(page, samples), name, white_is_zero=white_is_zero)


def _select_plane(page: TiffPage, plane: int) -> TiffPage | TiffFrame:
    """Return a page as it would be if the data of an image that follows were its own."""
    if plane == 0:
        return page
    offsets = tuple(offset + plane * page.nbytes for offset in page.dataoffsets)
    return TiffFrame(page.parent, plane, keyframe=page, dataoffsets=offsets, databytecounts=page.databytecounts)


def _check_samples(page: TiffPage, colours: int, name: str) -> None:
    """Reject samples that may be further images: more grey ones, or more than one that is neither colour nor alpha.

    One of the latter beside three colours is taken for alpha, as programs write it that do not name it.
    """
    named = sum(kind in _ALPHA for kind in page.extrasamples)
    unnamed = page.samplesperpixel - colours - named
    if unnamed > (colours == 3):
        raise hidden_images_error(name, f"holds {page.samplesperpixel} samples in each pixel, perhaps several images")


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


def _apply_palette(indices: Shaped[np.ndarray, "rows columns 1"], page: TiffPage, name: str) -> EnfaceImage:
    palette = np.asarray(page.colormap, dtype=np.uint16)
    # Programs write a byte v into the 16 bits as v·256, v·257 or, some, as v.
    byte = palette >> 8 if palette.max() > 255 else palette
    return make_grey_image(byte.T[indices[:, :, 0]], 8, name)
