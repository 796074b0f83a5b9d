"""Opening a file: decoders print nothing, change nothing in the process, and may run in several threads."""

from __future__ import annotations

import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.formats.parts.opening import open_image_file


def test_messages_of_tifffile_are_not_shown(picture, tmp_path, read_file, caplog):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, picture, photometric="minisblack", extratags=[(42113, "s", 0, "none", True)])
    tifffile.imread(path)
    assert "GDAL_NODATA" in caplog.text
    caplog.clear()
    read_file(path)
    assert caplog.text == ""


def test_warnings_of_pillow_are_not_shown(picture, tmp_path, read_file):
    stream, path = BytesIO(), tmp_path / "scan.png"
    Image.fromarray(picture).save(stream, "PNG")
    chunk = b"acTL" + struct.pack(">II", 0, 0)  # an animation without images
    chunk = struct.pack(">I", 8) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(stream.getvalue()[:33] + chunk + stream.getvalue()[33:])
    with pytest.warns(UserWarning, match="Invalid APNG"), Image.open(path):
        pass
    assert np.array_equal(read_file(path), (picture / 255).astype(np.float32))


def test_threads_read_the_same_and_do_not_change_the_warning_filters(picture, tmp_path, read_file):
    path, before = tmp_path / "scan.tif", list(warnings.filters)
    tifffile.imwrite(path, picture, photometric="minisblack", compression="zstd")
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(read_file, [path] * 40))
    assert all(np.array_equal(image, images[0]) for image in images)
    assert warnings.filters == before


def test_a_file_beyond_the_limit_is_not_opened(tmp_path, read_file):
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(512_000_000 + 10**6)
    with pytest.raises(ImageError, match=r"huge\.png takes 513 MB, more than 512; export") as caught:
        read_file(path)
    assert caught.value.code == "too-large"


def test_a_folder_is_not_an_image(tmp_path, read_file):
    with pytest.raises(
        ImageError, match=r"cannot be opened \(it is not a file\); check that it is a file and that you may read it"
    ):
        read_file(tmp_path)


def test_an_interruption_is_not_an_image_error(tmp_path):
    path = tmp_path / "scan"
    path.write_bytes(b"x")
    with pytest.raises(KeyboardInterrupt), open_image_file(path, "scan"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (MemoryError(), "too-large"),
        (EOFError(), "truncated"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (PermissionError(13, "Permission denied"), "unreadable"),
        (RecursionError(), "unreadable"),
        (SyntaxError("broken PNG file"), "unreadable"),
        (struct.error("unpack requires a buffer of 4 bytes"), "unreadable"),
    ],
)
def test_every_exception_of_a_decoder_becomes_an_image_error(raised, code, tmp_path):
    path = tmp_path / "scan"
    path.write_bytes(b"x")
    with pytest.raises(ImageError, match=r"^scan ") as caught, open_image_file(path, "scan"):
        raise raised
    assert caught.value.code == code
    assert caught.value.__cause__ is raised
