"""Opening a DICOM object: its header, and where its pixels begin."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, final

from unoqa.core.errors import ImageError
from unoqa.formats.dicom.library import import_pydicom
from unoqa.formats.parts.errors import truncated_error, unreadable_error
from unoqa.formats.parts.inflating import DEFLATE, inflate
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

PREAMBLE, MAGIC = 128, b"DICM"
"""Bytes with which a DICOM file begins, and the letters after them."""

META_STARTS = (b"\x02\x00\x00\x00UL", b"\x02\x00\x01\x00OB", b"\x02\x00\x02\x00UI", b"\x02\x00\x10\x00UI")
"""How the file meta information begins, which says how pixels are stored; some programs leave out what is before."""

META_HEAD = 12
"""Bytes of its first element, which holds the number of its other bytes."""

_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}


@final
@dataclass(frozen=True)
class DicomObject:
    """An object whose pixels are not read yet.

    Attributes:
        header: all elements before the pixels.
        start: where the element of the pixels begins; in the file, or in what was inflated.
        inflated: all that follows the file's first group, of a deflated object.
    """

    header: Dataset
    start: int
    inflated: bytes | None = None


def find_meta(head: bytes) -> int:
    """Return where the file meta information begins in a file; -1 if it is not a DICOM file."""
    if head[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC:
        return PREAMBLE + len(MAGIC)
    return 0 if head.startswith(META_STARTS) else -1


def open_object(path: Path, stream: BinaryIO, name: str) -> DicomObject:
    """Read the header of an open file; one that has many frames is parsed once for several of them.

    Raises:
        ImageError: the file is damaged, or pydicom is not installed.
    """
    import_pydicom(name)
    status = os.fstat(stream.fileno())
    try:
        return _open_once(path, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    except ImageError:
        return _open(stream, name)  # the same error, with the name that the image has


@lru_cache(maxsize=4)
def _open_once(path: Path, identity: tuple[int, ...]) -> DicomObject:
    del identity
    with open_image_file(path, path.name) as stream:
        return _open(stream, path.name)


def _open(stream: BinaryIO, name: str) -> DicomObject:
    library = import_pydicom(name)
    begin = find_meta(stream.read(PREAMBLE + len(MAGIC)))
    stream.seek(begin)
    meta = library.FileMetaDataset(library.read_dataset(stream, False, True, stop_when=lambda tag, *_: tag.group != 2))
    if meta.get("TransferSyntaxUID") != library.uid.DeflatedExplicitVRLittleEndian:
        stream.seek(0)
        header = library.dcmread(stream, stop_before_pixels=True, force=not begin)
        return DicomObject(header, stream.tell())
    if "FileMetaInformationGroupLength" not in meta:
        raise unreadable_error(name)
    stream.seek(begin + META_HEAD + meta.FileMetaInformationGroupLength)
    inflated = inflate(stream.read(), DEFLATE, name)
    opened = BytesIO(inflated)
    header = library.read_dataset(opened, False, True, stop_when=lambda tag, *_: int(tag) in _PIXELS)
    header.file_meta = meta
    return DicomObject(header, opened.tell(), inflated)


@final
@dataclass(frozen=True)
class Pixels:
    """Where the pixels of an object are.

    Attributes:
        stream: at the first byte of their value.
        keyword: name of their element.
        vr: its value representation.
        length: bytes of the value; None for compressed pixels, which end with a marker.
    """

    stream: BinaryIO | BytesIO
    keyword: str
    vr: str
    length: int | None

    def count_bytes(self) -> int:
        """Count the bytes of the value that are there."""
        here = self.stream.tell()
        rest = self.stream.seek(0, os.SEEK_END) - here
        self.stream.seek(here)
        return rest if self.length is None else min(rest, self.length)


def find_pixels(opened: DicomObject, stream: BinaryIO, name: str) -> Pixels:
    """Find the pixels of an object.

    Raises:
        ImageError: `truncated` if the object ends before them.
    """
    body: BinaryIO | BytesIO = stream if opened.inflated is None else BytesIO(opened.inflated)
    body.seek(opened.start)
    syntax = opened.header.file_meta.TransferSyntaxUID
    order = "<" if syntax.is_little_endian else ">"
    head = body.read(8 if syntax.is_implicit_VR else 12)
    if len(head) < 8:
        raise truncated_error(name)
    group, element = struct.unpack(f"{order}HH", head[:4])
    (length,) = struct.unpack(f"{order}I", head[-4:])
    keyword = _PIXELS.get(group << 16 | element)
    if keyword is None:
        raise unreadable_error(name)
    vr = "OW" if syntax.is_implicit_VR else head[4:6].decode("ascii")
    return Pixels(body, keyword, vr, None if length == 0xFFFFFFFF else length)
