"""Sound files of every format, all of one outstanding scan; and the model that grades it."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import scipy.io
import tifffile
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from dicom_files import make_object, write_object
from unoqa import Recipe
from unoqa.benchmark.phantom.cohort import draw_scans

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa import Grader

SIZE = 128
"""Pixels a side."""

CHECKED = ("png", "nifti gzip", "matlab compressed")
"""Kinds with a checksum of the pixels and of all that says what they mean; the tags of a TIFF have none."""


def draw_scan() -> np.ndarray:
    """Return an outstanding scan of eight bits that the model was not fitted on."""
    return next(iter(draw_scans(outstanding=1, gradable=0, ungradable=0, seed=77, size=SIZE))).pixels


def fit_model() -> Grader:
    """Fit on outstanding scans of the same kind."""
    scans = [scan.pixels for scan in draw_scans(outstanding=24, gradable=0, ungradable=0, seed=1, size=SIZE)]
    return Recipe.named("measures").fit(scans)


def _save(kind: str, **options: object) -> Callable[[np.ndarray], bytes]:
    def save(scan: np.ndarray) -> bytes:
        stream = BytesIO()
        Image.fromarray(scan).save(stream, kind, **options)
        return stream.getvalue()

    return save


def _save_tiff(**options: object) -> Callable[[np.ndarray], bytes]:
    def save(scan: np.ndarray) -> bytes:
        stream = BytesIO()
        tifffile.imwrite(stream, scan, photometric="minisblack", **options)
        return stream.getvalue()

    return save


def _save_dicom(syntax: str) -> Callable[[np.ndarray], bytes]:
    return lambda scan: write_object(make_object(scan), syntax)


def _save_npy(scan: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, scan)
    return stream.getvalue()


def _save_nifti(scan: np.ndarray) -> bytes:
    return nibabel.Nifti1Image(np.ascontiguousarray(scan[::-1].T), np.eye(4)).to_bytes()


def _save_matlab(*, compressed: bool) -> Callable[[np.ndarray], bytes]:
    def save(scan: np.ndarray) -> bytes:
        stream = BytesIO()
        scipy.io.savemat(stream, {"slab": scan, "note": "superficial"}, do_compression=compressed)
        return stream.getvalue()

    return save


WRITERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": _save("PNG"),
    "jpeg": _save("JPEG", quality=95),
    "bmp": _save("BMP"),
    "tiff": _save_tiff(),
    "tiff lzw": _save_tiff(compression="lzw"),
    "tiff zlib": _save_tiff(compression="zlib"),
    "tiff zstd": _save_tiff(compression="zstd"),
    "tiff jpeg": _save_tiff(compression="jpeg"),
    "dicom": _save_dicom(ExplicitVRLittleEndian),
    "dicom rle": _save_dicom(RLELossless),
    "dicom jpeg": _save_dicom(JPEGBaseline8Bit),
    "dicom jpeg-ls": _save_dicom(JPEGLSLossless),
    "dicom jpeg 2000": _save_dicom(JPEG2000Lossless),
    "npy": _save_npy,
    "nifti": _save_nifti,
    "nifti gzip": lambda scan: gzip.compress(_save_nifti(scan)),
    "matlab": _save_matlab(compressed=False),
    "matlab compressed": _save_matlab(compressed=True),
}
"""What writes a scan as a file, by the kind of file."""
