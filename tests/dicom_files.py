"""DICOM objects for the tests, as devices write them: real pixels or drawn ones, invented people."""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import simplejpeg
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

EN_FACE = "1.2.840.10008.5.1.4.1.1.77.1.5.7"
PHOTOGRAPH_8, PHOTOGRAPH_16 = "1.2.840.10008.5.1.4.1.1.77.1.5.1", "1.2.840.10008.5.1.4.1.1.77.1.5.2"
CAPTURE, CAPTURE_OF_FRAMES = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.2"
VOLUME, REPORT = "1.2.840.10008.5.1.4.1.1.77.1.5.4", "1.2.840.10008.5.1.4.1.1.88.33"

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
LOSSLESS = (RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)
LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000)

SUPERFICIAL, DEEP, STRUCTURAL = "128265", "128269", "128266"

ANNA = {"PatientName": "Invented^Anna", "PatientID": "INVENTED-7", "PatientBirthDate": "19400102", "PatientSex": "F"}


def make_code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    """Make an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def make_object(pixels: np.ndarray, *, sop_class: str = EN_FACE, slab: str = SUPERFICIAL, **elements: Any) -> Dataset:
    """Make an object: rows × columns, or with frames first, or with three colours last; unsigned.

    Args:
        slab: code of CID 4271; empty for none.
        elements: by keyword, in addition to the usual ones or in place of them.
    """
    made = Dataset()
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim - colour == 3 else 1
    rows, columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    made.SOPClassUID, made.SOPInstanceUID = sop_class, generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.Modality = {EN_FACE: "OPTENF", VOLUME: "OPT", PHOTOGRAPH_8: "OP", PHOTOGRAPH_16: "OP"}.get(sop_class, "OT")
    made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions = "Carl Zeiss Meditec", "CIRRUS HD-OCT", "11.0"
    made.SamplesPerPixel, made.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    made.Rows, made.Columns = rows, columns
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, 0
    made.PixelSpacing, made.ImageLaterality, made.PatientOrientation = [6 / rows, 6 / columns], "R", ["L", "F"]
    made.AcquisitionDateTime = "20240131140509"
    if colour:
        made.PlanarConfiguration = 0
    if frames > 1:
        made.NumberOfFrames = frames
    if slab:
        made.OphthalmicImageTypeCodeSequence = Sequence([make_code(slab, "a slab")])
    made.PixelData = pixels.tobytes()
    for keyword, value in {**ANNA, **elements}.items():
        setattr(made, keyword, value)
    made["PixelData"].VR = "OW"
    return made


def write_object(made: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return an object as a file in a transfer syntax; its pixels are those of `make_object`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    written = deepcopy(made)
    written.file_meta = meta
    if syntax.is_encapsulated:
        written.PixelData = encapsulate([_encode(one, made, syntax) for one in _list_frames(made)])
        written["PixelData"].VR = "OB"
        written["PixelData"].is_undefined_length = True
    elif syntax == ExplicitVRBigEndian:
        written.PixelData = np.frombuffer(made.PixelData, _dtype(made)).byteswap().tobytes()
        written["PixelData"].VR = "OB" if made.BitsAllocated == 8 else "OW"
    stream = BytesIO()
    dcmwrite(stream, written, enforce_file_format=True)
    return stream.getvalue()


def _dtype(made: Dataset) -> np.dtype:
    return np.dtype(f"<{'ui'[made.PixelRepresentation]}{made.BitsAllocated // 8}")


def _list_frames(made: Dataset) -> np.ndarray:
    shape = (-1, made.Rows, made.Columns, *([3] if made.SamplesPerPixel == 3 else []))
    return np.frombuffer(made.PixelData, _dtype(made)).reshape(shape)


def _encode(frame: np.ndarray, made: Dataset, syntax: UID) -> bytes:
    frame = np.ascontiguousarray(frame)
    if syntax == RLELossless:
        return _encode_rle(frame)
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        return imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=max(8, made.BitsStored))
    if syntax == JPEGLSLossless:
        return imagecodecs.jpegls_encode(frame)
    if syntax in (JPEG2000, JPEG2000Lossless):
        level = 0 if syntax == JPEG2000Lossless else 60
        return imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=level, reversible=not level, mct=False)
    if frame.dtype == np.uint16:
        return imagecodecs.jpeg8_encode(frame, level=95, bitspersample=12)
    colour = frame.ndim == 3
    return simplejpeg.encode_jpeg(frame if colour else frame[..., None], 95, "RGB" if colour else "GRAY", "444")


def _encode_rle(frame: np.ndarray) -> bytes:
    """Write each plane of bytes, the high one first, as literal runs (PS3.5, annex G)."""
    planes = np.moveaxis(frame.reshape(*frame.shape[:2], -1), -1, 0)
    segments = []
    for plane in planes:
        for byte in reversed(range(frame.dtype.itemsize)):
            data = np.ascontiguousarray(plane >> (8 * byte)).astype(np.uint8).tobytes()
            runs = [data[start : start + 128] for start in range(0, len(data), 128)]
            packed = b"".join(bytes([len(run) - 1]) + run for run in runs)
            segments.append(packed + b"\x00" * (len(packed) % 2))
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    header = np.zeros(16, "<u4")
    header[0], header[1 : 1 + len(starts)] = len(segments), starts
    return header.tobytes() + b"".join(segments)
