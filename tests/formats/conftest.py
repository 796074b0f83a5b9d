"""Image files for the tests of formats, as other programs write them, made when they are needed."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless

from dicom_files import LOSSLESS, NATIVE, make_object, write_object
from unoqa.formats import ImageReference, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def picture() -> np.ndarray:
    """Return 64 × 72 grey pixels of 8 bits, with edges and noise."""
    ramp = np.add.outer(np.arange(64), 2 * np.arange(72)) % 200
    return (ramp + np.random.default_rng(0).integers(0, 50, ramp.shape)).astype(np.uint8)


@pytest.fixture
def read_file() -> Callable[..., np.ndarray]:
    """Return a function that reads the pixels of a page from a path."""

    def pixels(path: Path, page: int = 0) -> np.ndarray:
        return read(ImageReference(path.name, path, page)).pixels

    return pixels


@pytest.fixture
def valid_files(picture: np.ndarray) -> Callable[[str], list[bytes]]:
    """Return a function that gives sound files of a format, by its name, in several variants."""

    def files(kind: str) -> list[bytes]:
        if kind in MAKERS:
            return MAKERS[kind](picture)
        modes = ("1", "L", "P", "RGB") if kind != "jpeg" else ("L", "RGB")
        plain = [_encode(Image.fromarray(picture).convert(mode), kind) for mode in modes]
        return plain + (_make_tiffs(picture) if kind == "tiff" else [])

    return files


@pytest.fixture
def make_bomb() -> Callable[[str, Path], None]:
    """Return a function that writes a file of a format with 10,000 × 6,401 pixels."""

    def write(kind: str, path: Path) -> None:
        if kind == "matlab":
            path.write_bytes(_write_matlab(np.zeros((6_401, 10_000), np.uint8), do_compression=True))
        elif kind in ARRAYS:
            path.write_bytes(ARRAYS[kind](np.zeros((6_401, 10_000), np.uint8))[:5_000_000])
        elif kind == "dicom":
            made = make_object(np.zeros((64, 72), np.uint8), Rows=6_401, Columns=10_000)
            path.write_bytes(write_object(made))
        else:
            Image.new("1" if kind != "jpeg" else "L", (10_000, 6_401)).save(path, format=kind)

    return write


def _make_dicoms(picture: np.ndarray) -> list[bytes]:
    colour = np.stack([picture, picture.T.reshape(picture.shape), picture // 2], axis=-1)
    made = {syntax: make_object(picture) for syntax in (*NATIVE, *LOSSLESS, JPEGBaseline8Bit)}
    deep = make_object(picture.astype(np.uint16) * 257)
    return [write_object(one, syntax) for syntax, one in made.items()] + [
        write_object(deep),
        write_object(deep, JPEGLSLossless),
        write_object(make_object(colour)),
        write_object(make_object(colour, PhotometricInterpretation="YBR_FULL_422"), JPEGBaseline8Bit),
    ]


def _write_npy(values: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def _write_nifti(values: np.ndarray) -> bytes:
    return nibabel.Nifti1Image(np.ascontiguousarray(values[::-1].T), np.eye(4)).to_bytes()


def _write_matlab(values: np.ndarray, **options: object) -> bytes:
    stream = BytesIO()
    scipy.io.savemat(stream, {"slab": values, "note": "superficial", "scale": 6.0}, **options)
    return stream.getvalue()


def _make_arrays(write: Callable[[np.ndarray], bytes]) -> Callable[[np.ndarray], list[bytes]]:
    def make(picture: np.ndarray) -> list[bytes]:
        return [
            write(picture),
            write(picture.astype(np.uint16) * 257),
            write(picture / np.float32(255)),
            write(np.asfortranarray(picture)),
        ]

    return make


ARRAYS = {"npy": _write_npy, "nifti": _write_nifti, "matlab": _write_matlab}
"""What writes an array as a file of a format."""


def _make_matlab(picture: np.ndarray) -> list[bytes]:
    return [*_make_arrays(_write_matlab)(picture), _write_matlab(picture, do_compression=True)]


def _make_nifti(picture: np.ndarray) -> list[bytes]:
    plain = _make_arrays(_write_nifti)(picture)
    second = nibabel.Nifti2Image(np.ascontiguousarray(picture[::-1].T), np.eye(4)).to_bytes()
    return [*plain, second, gzip.compress(plain[0])]


def _encode(image: Image.Image, kind: str) -> bytes:
    stream = BytesIO()
    image.save(stream, format=kind)
    return stream.getvalue()


def _make_tiffs(picture: np.ndarray) -> list[bytes]:
    colour = np.stack([picture, picture.T.reshape(picture.shape), picture // 2], axis=-1)
    return [
        _write_tiff(picture.astype(np.uint16) * 257, bigtiff=True),
        _write_tiff(picture.astype(np.float32), predictor=3, compression="zlib", rowsperstrip=16),
        _write_tiff(np.stack([picture] * 5), imagej=True),
        _write_tiff(colour, photometric="rgb", tile=(32, 32), compression="jpeg"),
        _write_tiff(np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate", compression="lzw"),
        _write_tiff(picture, photometric="miniswhite", compression="zstd", byteorder=">"),
    ]


def _write_tiff(values: np.ndarray, **options: object) -> bytes:
    stream = BytesIO()
    tifffile.imwrite(stream, values, **{"photometric": "minisblack", **options})
    return stream.getvalue()


MAKERS = {"dicom": _make_dicoms, "npy": _make_arrays(_write_npy), "nifti": _make_nifti, "matlab": _make_matlab}
"""What makes sound files of the formats that Pillow does not write."""
