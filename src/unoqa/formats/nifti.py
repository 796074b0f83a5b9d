"""NIfTI: single slabs, as research programs save them (extra `vendor`)."""

from __future__ import annotations

import zlib
from functools import cache
from math import prod
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from unoqa.core.errors import ImageError
from unoqa.formats.parts.arrays import from_array
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import (
    hidden_images_error,
    truncated_error,
    unreadable_error,
    unsupported_error,
)
from unoqa.formats.parts.inflating import GZIP, inflate
from unoqa.formats.parts.limits import check_bytes, check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from unoqa.core.image import EnfaceImage

_HEADERS = {348: (344, b"n+1\x00"), 540: (4, b"n+2\x00\r\n\x1a\n")}
"""By the length of the header, with which a file begins: where the signature stands, and what it is."""

_MAGIC = b"\x1f\x8b"
"""How a file that gzip compressed begins."""


@final
class Nifti(Format):
    """One slice of NIfTI-1 or NIfTI-2, also compressed by gzip.

    Viewers show the first axis from left to right and the second from bottom to top; so the rows of the image are
    those of the second axis, the last one first. A volume is refused: nobody says which of its planes are slabs.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz")

    def matches(self, head: bytes) -> bool:
        """Check for the length of the header and the signature, inflating the head if it is compressed."""
        if head.startswith(_MAGIC):
            try:
                head = zlib.decompressobj(GZIP).decompress(head, 348)
            except zlib.error:
                return False
        return _find_length(head) > 0

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the slice, its numbers scaled as the header says."""
        with open_image_file(path, name) as stream:
            library = _import_nibabel(name)
            check_only_page(page, name)
            data = stream.read()
            data = inflate(data, GZIP, name) if data.startswith(_MAGIC) else data
            length = _find_length(data)
            kind = library.Nifti1Image if length == 348 else library.Nifti2Image
            if kind.header_class.diagnose_binaryblock(data[:length]):  # nibabel would repair it, by guess
                raise unreadable_error(name)
            _check_header(kind.header_class(data[:length], check=False), len(data), name)
            image = kind.from_bytes(data)
            values = np.asanyarray(image.dataobj).reshape(image.shape[:2])
            return from_array(np.ascontiguousarray(values.T[::-1]), name)


def _find_length(head: bytes) -> int:
    """Return the length of the header that a file begins with; 0 if it is no NIfTI."""
    for length, (start, signature) in _HEADERS.items():
        if head[:4] in (length.to_bytes(4, "little"), length.to_bytes(4, "big")):
            return length if head[start:].startswith(signature) else 0
    return 0


def _check_header(header: object, size: int, name: str) -> None:
    """Reject a volume, numbers that are no brightness, and data that are too large or missing.

    Args:
        size: bytes of the file, not compressed.
    """
    shape, dtype = header.get_data_shape(), header.get_data_dtype()  # type: ignore[attr-defined]
    if len(shape) < 2 or prod(shape[2:]) != 1:
        raise hidden_images_error(name, f"holds an array of shape {shape} and not one slab")
    if dtype.kind not in "uif":
        raise unsupported_error(name, f"holds values of type {dtype.name}")
    check_pixels(name, shape[0], shape[1])
    check_bytes(name, prod(shape) * dtype.itemsize)
    if header.get_data_offset() + prod(shape) * dtype.itemsize > size:  # type: ignore[attr-defined]
        raise truncated_error(name)


def _import_nibabel(name: str) -> ModuleType:
    try:
        return _import_once()
    except ImportError as error:
        raise ImageError(
            "unsupported",
            f'{name} is a NIfTI file, and nibabel, which reads it, is not installed; run pip install "unoqa[vendor]".',
        ) from error


@cache
def _import_once() -> ModuleType:
    import nibabel  # noqa: PLC0415 - optional

    return nibabel
