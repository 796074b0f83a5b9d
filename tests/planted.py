"""Scans in every format with a mark in every text that the format can carry, to see which of them come out again."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import scipy.io
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import Dataset
from pydicom.datadict import DicomDictionary, dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.tag import Tag

from dicom_files import make_object, write_object

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "ZQMARK"
"""Begins every mark; a number after it tells where it was."""

DATE, UID = "19870305", "1.2.826.0.1.99887766"
"""Marks of dates and of UIDs, which hold digits only."""

KEPT = {
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions"),  # facts, by promise
    *("SOPClassUID", "Modality", "ImageLaterality", "Laterality", "PatientOrientation", "NumberOfFrames"),
    *("SpecificCharacterSet", "TimezoneOffsetFromUTC", "BurnedInAnnotation", "PresentationLUTShape"),
}
"""Elements of a header that say nothing of a person, or that steer how the header or the pixels are read."""

_LENGTHS = {"AE": 16, "CS": 16, "SH": 16, "LO": 60, "ST": 60, "LT": 60, "UT": 60, "UC": 60, "UR": 60}


def plant_png(pixels: np.ndarray) -> bytes:
    """Plant in the three kinds of text, in EXIF and in XMP."""
    notes = PngInfo()
    notes.add_text("Author", f"{MARK}1")
    notes.add_text("Comment", f"{MARK}2", zip=True)
    notes.add_itxt("Title", f"{MARK}3")
    notes.add_itxt("XML:com.adobe.xmp", f"<x>{MARK}4</x>")
    return _save(pixels, "PNG", pnginfo=notes, exif=_make_exif())


def plant_jpeg(pixels: np.ndarray) -> bytes:
    """Plant in the comment, in EXIF and in XMP."""
    return _save(pixels, "JPEG", quality=98, comment=f"{MARK}5", exif=_make_exif(), xmp=f"<x>{MARK}6</x>".encode())


def plant_bmp(pixels: np.ndarray) -> bytes:
    """Plant after the pixels; the format has no text."""
    return _save(pixels, "BMP") + f"{MARK}7".encode()


def plant_tiff(pixels: np.ndarray) -> bytes:
    """Plant in the tags of text, and in a private one."""
    stream = BytesIO()
    tags = [(tag, "s", 0, f"{MARK}{tag}", True) for tag in (269, 285, 315, 316, 337, 33432, 65000)]
    tifffile.imwrite(stream, pixels, description=f"{MARK}8", software=f"{MARK}9", extratags=tags, metadata=None)
    return stream.getvalue()


def plant_npy(pixels: np.ndarray) -> bytes:
    """Plant after the array; the format has no text."""
    stream = BytesIO()
    np.save(stream, pixels)
    return stream.getvalue() + f"{MARK}10".encode()


def plant_nifti(pixels: np.ndarray) -> bytes:
    """Plant in the header's texts, and in an extension, which may hold a whole DICOM header or a comment."""
    image = nibabel.Nifti1Image(np.ascontiguousarray(pixels[::-1].T), np.eye(4))
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = f"{MARK}{field}"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", f"{MARK}11".encode()))
    return image.to_bytes()


def plant_matlab(pixels: np.ndarray) -> bytes:
    """Plant in the header's text, in names of variables, in texts and in fields."""
    stream = BytesIO()
    variables = {f"{MARK}12": pixels, f"{MARK}13": f"{MARK}14", "about": {f"{MARK}15": f"{MARK}16"}}
    scipy.io.savemat(stream, variables)
    return stream.getvalue().replace(b"Platform: ", f"{MARK}17 ".encode(), 1)


def plant_two_arrays(pixels: np.ndarray) -> bytes:
    """Plant in the names of two arrays, so that the file is refused because of them."""
    stream = BytesIO()
    scipy.io.savemat(stream, {f"{MARK}18": pixels, f"{MARK}19": pixels})
    return stream.getvalue()


def plant_dicom(pixels: np.ndarray) -> bytes:
    """Plant in every text element of the standard, in nested items, in a private block and in the preamble."""
    made = make_object(pixels)
    for tag in sorted(DicomDictionary):
        keyword = keyword_for_tag(tag)
        if tag >> 16 in (0x0000, 0x0002, 0x0028, 0x7FE0, 0xFFFE) or keyword in KEPT or not dictionary_has_tag(tag):
            continue
        _plant_element(made, Tag(tag), dictionary_VR(tag))
    inner = Dataset()
    inner.PatientName, inner.TextValue = f"{MARK}^inner", f"{MARK}inner"
    made.RequestAttributesSequence = [inner]
    block = made.private_block(0x0073, "99CZM", create=True)
    block.add_new(0x01, "LO", f"{MARK}private")
    block.add_new(0x02, "UN", f"{MARK}unknown".encode())
    return f"{MARK}preamble".encode().ljust(128, b"\0") + write_object(made)[128:]


def _plant_element(made: Dataset, tag: Tag, vr: str) -> None:
    mark = f"{MARK}{tag.group:04X}{tag.element:04X}"
    if vr in _LENGTHS:
        made.add_new(tag, vr, mark[: _LENGTHS[vr]])
    elif vr == "PN":
        made.add_new(tag, vr, f"{mark}^First")
    elif vr in ("DA", "DT"):
        made.add_new(tag, vr, DATE if vr == "DA" else f"{DATE}112233")
    elif vr == "UI" and tag not in made:
        made.add_new(tag, vr, UID)


PLANTERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "bmp": plant_bmp,
    "dicom": plant_dicom,
    "jpeg": plant_jpeg,
    "matlab": plant_matlab,
    "nifti": plant_nifti,
    "npy": plant_npy,
    "png": plant_png,
    "tiff": plant_tiff,
}
"""One function for each format on the shelf."""


def find_marks(data: bytes) -> set[str]:
    """Return the marks that bytes hold, as text of 8 or 16 bits, and within the images of a page."""
    found = set()
    for text in _list_texts(data):
        for mark in (MARK, UID, DATE, f"{DATE[:4]}-{DATE[4:6]}-{DATE[6:]}"):
            start = text.find(mark)
            while start >= 0:
                found.add(text[start : start + 24].split("\0")[0])
                start = text.find(mark, start + 1)
    return found


def _list_texts(data: bytes) -> list[str]:
    texts = [data.decode(code, "replace") for code in ("latin-1", "utf-16-le", "utf-16-be")]
    texts.append(data[1:].decode("utf-16-le", "replace"))
    for chunk in _list_png_texts(data):
        texts.append(chunk.decode("latin-1"))
    return texts


def _list_png_texts(data: bytes) -> list[bytes]:
    """Return compressed texts of a PNG, inflated."""
    if not data.startswith(b"\x89PNG"):
        return []
    start, found = 8, []
    while start + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        if kind == b"zTXt":
            found.append(zlib.decompress(data[start + 8 : start + 8 + length].split(b"\0", 2)[2]))
        start += 12 + length
    return found


def _make_exif() -> Image.Exif:
    exif = Image.Exif()
    for tag in (0x010E, 0x013B, 0x8298, 0x0132):
        exif[tag] = f"{MARK}{tag}"
    return exif


def _save(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format=kind, **options)
    return stream.getvalue()
