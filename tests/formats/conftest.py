"""Image files for the tests of formats, as other programs write them, made when they are needed."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
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
        if kind == "dicom":
            return _make_dicoms(picture)
        modes = ("1", "L", "P", "RGB") if kind != "jpeg" else ("L", "RGB")
        plain = [_encode(Image.fromarray(picture).convert(mode), kind) for mode in modes]
        return plain + (_make_tiffs(picture) if kind == "tiff" else [])

    return files


@pytest.fixture
def make_bomb() -> Callable[[str, Path], None]:
    """Return a function that writes a file of a format with 10,000 × 6,401 pixels."""

    def write(kind: str, path: Path) -> None:
        if kind == "dicom":
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
