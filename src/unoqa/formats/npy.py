"""NumPy arrays: `.npy`, as analysis scripts save them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, BinaryIO, ClassVar, final

import numpy as np

from unoqa.formats.parts.arrays import from_array
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import hidden_images_error, truncated_error, unsupported_error
from unoqa.formats.parts.limits import check_bytes, check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage

_MAGIC = b"\x93NUMPY"

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""By version. Version 3 is for fields with names beyond Latin-1, which no image has."""


@final
class Npy(Format):
    """One array, rows × columns, or with 1, 3 or 4 colours last; numbers only, so that no pickle is ever read."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    def matches(self, head: bytes) -> bool:
        """Check for the signature and a version."""
        return head.startswith(_MAGIC) and len(head) > len(_MAGIC)

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the array as grey."""
        with open_image_file(path, name) as stream:
            check_only_page(page, name)
            _check_header(stream, path.stat().st_size, name)
            stream.seek(0)
            return from_array(np.load(stream, allow_pickle=False), name)


def _check_header(stream: BinaryIO, size: int, name: str) -> None:
    """Reject an array that is no image, too large, or not as long as the file.

    Args:
        size: bytes of the file.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise unsupported_error(name, f"is a NumPy file of version {version[0]}.{version[1]}")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject or dtype.kind not in "buif":
        raise unsupported_error(name, f"holds values of type {dtype.name}")
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise hidden_images_error(name, f"holds an array of shape {shape}, which is not rows × columns")
    check_pixels(name, shape[1], shape[0])
    check_bytes(name, prod(shape) * dtype.itemsize)
    end = stream.tell() + prod(shape) * dtype.itemsize
    if end > size:
        raise truncated_error(name)
    if end < size:
        raise hidden_images_error(name, "holds more data than its header describes")
