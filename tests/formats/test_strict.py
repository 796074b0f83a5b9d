"""Damage that decoders repair without an error is refused, whatever the host program has set in Pillow."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import BmpImagePlugin, Image, ImageFile, PngImagePlugin

from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS

SCANS = sorted((Path(__file__).parents[3] / "shared" / "octa" / "images").glob("*.png"))[:20]
PICTURES = sorted((Path(__file__).parents[3] / "shared" / "files" / "vendor").glob("*.png"))


@pytest.fixture
def careless_host(monkeypatch):
    """Set everything in Pillow that a host program may have set for its own files."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 1)
    monkeypatch.setattr(BmpImagePlugin, "USE_RAW_ALPHA", True)
    monkeypatch.setattr(Image, "OPEN", {})
    monkeypatch.setattr(Image, "ID", [])


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def refuse(path, read_file):
    with pytest.raises(ImageError) as caught:
        read_file(path)
    return caught.value.code


def cut_out(data: bytes) -> bytes:
    damaged = bytearray(data)
    del damaged[len(data) // 2 : len(data) // 2 + len(data) // 50]
    return bytes(damaged)


@pytest.mark.skipif(not SCANS, reason="../shared has no images")
@pytest.mark.parametrize("path", SCANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.requirement("R9")
def test_a_jpeg_that_misses_a_piece_is_refused(path, options, tmp_path, read_file):
    data = encode(Image.open(path).convert("L"), "JPEG", quality=90, **options)
    (tmp_path / "scan.jpg").write_bytes(cut_out(data))
    assert refuse(tmp_path / "scan.jpg", read_file) == "unreadable"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_in_a_tiff_that_misses_a_piece_is_refused(mode, picture, tmp_path, read_file):
    stream, path = encode(Image.fromarray(picture).convert(mode), "JPEG", quality=90), tmp_path / "scan.tif"
    shape = picture.shape if mode == "L" else (*picture.shape, 3)
    for data, fate in ((stream, "read"), (cut_out(stream), "unreadable"), (stream[:-200], "truncated")):
        options = {"photometric": "minisblack" if mode == "L" else "ycbcr", "compression": "jpeg"}
        tifffile.imwrite(path, iter([data]), shape=shape, dtype=np.uint8, **options)
        assert (refuse(path, read_file) if fate != "read" else read_file(path).shape and "read") == fate


def test_jpegs_that_share_their_tables_in_a_tiff_are_read(picture, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    Image.fromarray(picture).save(path, compression="jpeg", quality=90, strip_size=1152)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].jpegtables
        assert len(file.pages[0].dataoffsets) > 1
    with Image.open(path) as oracle:
        assert np.allclose(read_file(path), np.asarray(oracle) / 255, atol=1.5 / 255)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_sound_jpeg_has_the_bits_of_pillow(mode, progressive, subsampling, tmp_path, read_file):
    sources = [Image.open(path) for path in (*SCANS[:2], *PICTURES)] or [Image.effect_noise((200, 130), 50)]
    for image in sources:
        data = encode(image.convert(mode), "JPEG", quality=90, progressive=progressive, subsampling=subsampling)
        (tmp_path / "scan.jpg").write_bytes(data)
        values = np.asarray(Image.open(BytesIO(data)), dtype=np.float32) / 255
        grey = values if mode == "L" else values @ np.float32([0.299, 0.587, 0.114])
        assert np.allclose(read_file(tmp_path / "scan.jpg"), grey, atol=1e-6)


def test_a_jpeg_of_twelve_bits_is_not_called_damaged(tmp_path, read_file):
    data = imagecodecs.jpeg8_encode(np.zeros((64, 64), np.uint16), bitspersample=12)
    (tmp_path / "scan.jpg").write_bytes(data)
    with pytest.raises(ImageError, match="holds a JPEG with other than 8 bits a sample, which unoqa does not read"):
        read_file(tmp_path / "scan.jpg")


def test_a_jpeg_with_unusual_colours_is_not_called_damaged(picture, tmp_path, read_file):
    data = encode(Image.fromarray(picture).convert("RGB"), "JPEG", subsampling="4:2:0")
    (tmp_path / "scan.jpg").write_bytes(data.replace(b"\x01\x22\x00\x02\x11\x01", b"\x01\x22\x00\x02\x31\x01"))
    with pytest.raises(ImageError, match="holds a JPEG with an unusual subsampling of colours, which unoqa does not"):
        read_file(tmp_path / "scan.jpg")


@pytest.mark.usefixtures("careless_host")
@pytest.mark.parametrize("kind", FORMATS.names())
def test_a_careless_host_changes_nothing(kind, valid_files, tmp_path, read_file, monkeypatch):
    path = tmp_path / "scan"
    for data in valid_files(kind):
        path.write_bytes(data)
        careless = read_file(path)
        with monkeypatch.context() as patch:
            patch.undo()
            assert np.array_equal(careless, read_file(path))
        path.write_bytes(data[: len(data) * 3 // 4])
        assert refuse(path, read_file) in {"truncated", "unreadable"}


@pytest.mark.usefixtures("careless_host")
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_bitmap_without_its_last_pixel_is_truncated(mode, picture, tmp_path, read_file):
    path, image = tmp_path / "scan.bmp", Image.fromarray(picture[:, :65]).convert(mode)
    data = encode(image, "BMP")
    padding = {"1": 3, "L": 3, "P": 3, "RGB": 1}[mode]
    path.write_bytes(data[:-padding])
    assert np.array_equal(read_file(path), np.float32(image.convert("L")) / np.float32(255))
    path.write_bytes(data[: -padding - 1])
    assert refuse(path, read_file) == "truncated"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def split(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, start = [], 8
    while start < len(data):
        (length,) = struct.unpack(">I", data[start : start + 4])
        chunks.append((data[start + 4 : start + 8], data[start + 8 : start + 8 + length]))
        start += 12 + length
    return chunks


def join(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


@pytest.mark.parametrize("careless", [True, False])
def test_a_png_whose_rows_end_early_is_truncated(careless, picture, tmp_path, read_file, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", careless)
    header, *middle, end = split(encode(Image.fromarray(picture), "PNG"))
    rows = zlib.decompress(b"".join(content for kind, content in middle if kind == b"IDAT"))
    (tmp_path / "scan.png").write_bytes(join([header, (b"IDAT", zlib.compress(rows[:-1])), end]))
    assert refuse(tmp_path / "scan.png", read_file) == "truncated"
    (tmp_path / "scan.png").write_bytes(join([header, (b"IDAT", zlib.compress(rows)), end]))
    assert np.array_equal(read_file(tmp_path / "scan.png"), (picture / 255).astype(np.float32))


@pytest.mark.usefixtures("careless_host")
@pytest.mark.parametrize(("end", "code"), [(-12, "truncated"), (-1, "truncated"), (None, "read")])
def test_a_png_ends_with_its_last_chunk(end, code, picture, tmp_path, read_file):
    data = encode(Image.fromarray(picture), "PNG")[:end]
    (tmp_path / "scan.png").write_bytes(data if end else data + b"notes of a viewer")
    if end is None:
        assert np.array_equal(read_file(tmp_path / "scan.png"), (picture / 255).astype(np.float32))
    else:
        assert refuse(tmp_path / "scan.png", read_file) == code


@pytest.mark.usefixtures("careless_host")
@pytest.mark.requirement("R9")
def test_a_png_with_one_changed_bit_is_refused(picture, tmp_path, read_file):
    data = bytearray(encode(Image.fromarray(picture), "PNG", compress_level=0))
    data[len(data) // 2] ^= 1
    (tmp_path / "scan.png").write_bytes(data)
    assert refuse(tmp_path / "scan.png", read_file) == "unreadable"


def test_notes_in_a_png_change_nothing(picture, tmp_path, read_file):
    first, *others = split(encode(Image.fromarray(picture), "PNG"))
    notes = [(b"tEXt", b"Comment\x00" + b"x" * 10**6), (b"gAMA", bytes(4)), (b"eXIf", b"no exif")]
    (tmp_path / "scan.png").write_bytes(join([first, *notes, *others]))
    assert np.array_equal(read_file(tmp_path / "scan.png"), (picture / 255).astype(np.float32))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (300, 211)])
def test_an_interlaced_png_is_read_as_pillow_decodes_it(mode, size, tmp_path, read_file, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # only then are the rows counted
    path = tmp_path / "scan.png"
    noise = np.random.default_rng(0).integers(0, 256, size[::-1]).astype(np.uint8)
    image = Image.fromarray(noise.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(noise).convert(mode)
    path.write_bytes(interlace(encode(image, "PNG"), size[0]))
    plain = tmp_path / "plain.png"
    image.save(plain)
    assert np.array_equal(read_file(path), read_file(plain))


def interlace(data: bytes, columns: int) -> bytes:
    """Return a PNG with its rows stored in the seven passes of Adam7."""
    chunks = split(data)
    bits, colours = chunks[0][1][8:10]
    width = bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    pixels = decode_rows(data, columns, width)
    passes = b""
    for x, y, step_x, step_y in PASSES:
        part = pixels[y::step_y, x::step_x]
        if part.size:
            packed = np.packbits(part.reshape(part.shape[0], -1), axis=1)
            passes += b"".join(b"\x00" + row.tobytes() for row in packed)
    header = chunks[0][1][:12] + b"\x01"
    others = [one for one in chunks[1:-1] if one[0] != b"IDAT"]
    return join([(b"IHDR", header), *others, (b"IDAT", zlib.compress(passes)), chunks[-1]])


PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def decode_rows(data: bytes, columns: int, width: int) -> np.ndarray:
    """Return the bits of each pixel, as a PNG stores them: rows × columns × bits."""
    image = Image.open(BytesIO(data))
    mode = image.mode
    if mode == "I;16":
        raw = np.asarray(image).astype(">u2").view(np.uint8)
    elif mode == "1":
        return np.asarray(image)[..., None].astype(np.uint8)
    else:
        raw = np.asarray(image)
    bits = np.unpackbits(raw.reshape(raw.shape[0], -1), axis=1).reshape(raw.shape[0], columns, -1)
    return bits[..., -width:] if mode == "P" else bits


@pytest.mark.usefixtures("careless_host")
def test_a_png_that_unpacks_a_thousandfold_is_read(tmp_path, read_file):
    Image.new("L", (5000, 4001), 7).save(tmp_path / "scan.png", compress_level=9)
    assert read_file(tmp_path / "scan.png").shape == (4001, 5000)
