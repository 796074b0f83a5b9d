"""One frame of a DICOM object as a grey image.

The numbers are those of the standard's first two steps (PS3.3, C.11.1 and C.7.6.3): as stored, then rescaled if the
header says so. A window of the header (VOI) is how one viewer shows one image; it is not applied. Which numbers are
black and white is for the model to say, for all its images alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from unoqa.formats.dicom.codestream import HIGH_THROUGHPUT, JPEG_2000, RLE, Codestream, read_codestream
from unoqa.formats.dicom.groups import find_holder
from unoqa.formats.dicom.library import PLUGIN, import_pydicom, missing_codec_error
from unoqa.formats.dicom.opening import DicomObject, Pixels, find_pixels
from unoqa.formats.parts.errors import truncated_error, unreadable_error, unsupported_error
from unoqa.formats.parts.grey import make_grey_image
from unoqa.formats.parts.limits import check_bytes, check_pixels

if TYPE_CHECKING:
    from pydicom import Dataset

    from unoqa.core.image import EnfaceImage

Numbers = np.ndarray

PREFERRED = (PLUGIN, "pylibjpeg")
"""Plug-ins of pydicom that decode if they can; Pillow repairs what is damaged."""

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def read_frame(opened: DicomObject, stream: BinaryIO, page: int, name: str) -> EnfaceImage:
    """Decode one frame, counted from 0, and make it grey.

    Raises:
        ImageError: it is damaged, too large, or of a kind that is not read.
    """
    header = opened.header
    _check_header(header, name)
    values, bits = _decode(opened, stream, page, name)
    photometric = header.get("PhotometricInterpretation", "MONOCHROME2")
    if photometric == "PALETTE COLOR":
        colours = import_pydicom(name).apply_color_lut(values, header)[..., :3]
        return make_grey_image(colours, 8 * colours.dtype.itemsize, name)
    if photometric in _COLOURS:
        return make_grey_image(values, bits, name)
    values, bits = _rescale(values, bits, header, page, name)
    return make_grey_image(values[..., None], bits, name, white_is_zero=photometric == "MONOCHROME1")


def _check_header(header: Dataset, name: str) -> None:
    if "Rows" not in header or "Columns" not in header:
        raise unreadable_error(name, "holds no pixels")
    check_pixels(name, header.Columns, header.Rows)
    samples = header.get("SamplesPerPixel", 1)
    check_bytes(name, header.Columns * header.Rows * samples * max(1, header.BitsAllocated // 8))
    photometric = header.get("PhotometricInterpretation", "MONOCHROME2")
    grey = photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    if not grey and photometric not in _COLOURS:
        raise unsupported_error(name, "has a photometric interpretation that is neither grey nor colour")
    if samples != (1 if grey else 3):
        raise unreadable_error(name, f"has {samples} samples in each pixel, which do not fit its colours")
    if photometric == "MONOCHROME2" and header.get("PresentationLUTShape") == "INVERSE":
        raise unsupported_error(name, "says both that 0 is black (MONOCHROME2) and that it is white (INVERSE)")


def _decode(opened: DicomObject, stream: BinaryIO, page: int, name: str) -> tuple[Numbers, int]:
    """Return the numbers of a frame, colours as red, green and blue, and the bits of one number."""
    library, header = import_pydicom(name), opened.header
    pixels = find_pixels(opened, stream, name)
    options = {**library.as_pixel_options(header), "pixel_keyword": pixels.keyword, "pixel_vr": pixels.vr}
    frames = options["number_of_frames"]
    if page >= frames:
        raise unreadable_error(name, f"has no page {page + 1}")
    if not header.file_meta.TransferSyntaxUID.is_encapsulated:
        return _decode_native(pixels, page, header, options, name)
    offsets = options.pop("extended_offsets", None)
    frame = library.encaps.get_frame(pixels.stream, page, number_of_frames=frames, extended_offsets=offsets)
    return _decode_compressed(frame, header, {**options, "number_of_frames": 1}, name)


def _decode_native(
    pixels: Pixels, page: int, header: Dataset, options: dict[str, Any], name: str
) -> tuple[Numbers, int]:
    bits = header.Rows * header.Columns * header.get("SamplesPerPixel", 1) * header.BitsAllocated
    if header.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    needed = -(-bits * options["number_of_frames"] // 8)
    if pixels.count_bytes() < needed:
        raise truncated_error(name)
    decoder = import_pydicom(name).get_decoder(header.file_meta.TransferSyntaxUID)
    values, _ = decoder.as_array(pixels.stream, index=page, **options)
    return values, header.get("BitsStored", header.BitsAllocated)


def _decode_compressed(frame: bytes, header: Dataset, options: dict[str, Any], name: str) -> tuple[Numbers, int]:
    library, declared = import_pydicom(name), header.file_meta.TransferSyntaxUID
    syntax = str(declared)
    if found := read_codestream(frame, name):
        _check_size(found, header, name)
        if found.syntax != JPEG_2000 or not syntax.startswith(HIGH_THROUGHPUT):
            syntax = found.syntax
        stored = min(header.BitsStored, found.bits)
        options = {**options, "bits_allocated": 8 if found.bits <= 8 else 16, "bits_stored": stored}
    elif declared != RLE:
        raise unreadable_error(name)
    decoder = library.get_decoder(syntax)
    plugin = next((one for one in PREFERRED if one in decoder.available_plugins), "")
    if not decoder.is_available:
        raise missing_codec_error(name, declared.name)
    values, _ = decoder.as_array(library.encaps.encapsulate([frame]), index=0, decoding_plugin=plugin, **options)
    return values, options["bits_stored"]


def _check_size(found: Codestream, header: Dataset, name: str) -> None:
    if (found.rows, found.columns) != (header.Rows, header.Columns):
        said, held = f"{header.Columns}×{header.Rows}", f"{found.columns}×{found.rows}"
        raise unreadable_error(name, f"says that it has {said} pixels and holds {held}")


def _rescale(values: Numbers, bits: int, header: Dataset, page: int, name: str) -> tuple[Numbers, int]:
    """Apply the modality's table or line (PS3.3, C.11.1), unless it changes nothing."""
    rescale = import_pydicom(name).apply_rescale
    if header.get("ModalityLUTSequence"):
        mapped = rescale(values, header)
        return mapped, 8 * mapped.dtype.itemsize
    holder = find_holder(header, page, "PixelValueTransformationSequence", "RescaleSlope")
    if holder is None or (holder.RescaleSlope, holder.RescaleIntercept) == (1, 0):
        return values, bits
    return rescale(values, holder), bits
