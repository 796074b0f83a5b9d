"""MATLAB: slabs in `.mat` files of versions 5 to 7."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.core.image import SMALLEST_SIDE
from unoqa.formats.parts.arrays import from_array
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import (
    hidden_images_error,
    truncated_error,
    unreadable_error,
    unsupported_error,
)
from unoqa.formats.parts.inflating import ZLIB, inflate
from unoqa.formats.parts.limits import check_only_page, check_pixels
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage

_SIGNATURE = b"MATLAB 5.0 MAT"

_HEADER = 128
"""Bytes before the first element."""

_COMPRESSED = 15

_NUMBERS = ("logical", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "single", "double")
"""Classes of arrays that an image can have."""


@final
class Matlab(Format):
    """The one array in a file that has the size of an image; other variables are left aside.

    MATLAB writes doubles where a script does not say otherwise, whatever the image held. Compressed variables (the
    default since version 7) have a checksum each.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    apart: ClassVar[bool] = True

    def matches(self, head: bytes) -> bool:
        """Check for the text that such files begin with; version 7.3, which is HDF5, begins with another."""
        return head.startswith(_SIGNATURE)

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read the array as grey."""
        from scipy.io import loadmat, whosmat  # noqa: PLC0415 - half a second to import, for such files only

        with open_image_file(path, name) as stream:
            check_only_page(page, name)
            data = stream.read()
            inflated = _check_elements(data, name)
            images = [one for one in whosmat(BytesIO(inflated)) if min(one[1], default=0) >= SMALLEST_SIDE]
            if len(images) != 1:
                shapes = ", ".join(_format_shape(shape) for _, shape, _ in images) or "none"  # a name may be a person's
                raise hidden_images_error(name, f"holds other than one array of an image's size ({shapes})")
            variable, shape, kind = images[0]
            if len(shape) != 2 or kind not in _NUMBERS:
                raise unsupported_error(name, f"holds an array of shape {_format_shape(shape)} and class {kind}")
            check_pixels(name, shape[1], shape[0])
            found = loadmat(BytesIO(inflated), variable_names=[variable])
            return from_array(found[variable], name)


def _format_shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _check_elements(data: bytes, name: str) -> bytes:
    """Return the file with its elements inflated, once each of them is whole and its checksum is right.

    Raises:
        ImageError: `truncated`, `too-large`, or `unreadable`.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise unreadable_error(name)
    parts, start, total = [data[:_HEADER]], _HEADER, 0
    while start < len(data):
        if len(data) < start + 8:
            raise truncated_error(name)
        kind, length = struct.unpack(f"{order}II", data[start : start + 8])
        element = data[start : start + 8 + length]
        if len(element) < 8 + length:
            raise truncated_error(name)
        inflated = inflate(element[8:], ZLIB, name, taken=total) if kind == _COMPRESSED else element
        total += len(inflated)
        parts.append(inflated)
        start += len(element)
    return b"".join(parts)
