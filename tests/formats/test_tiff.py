"""What only TIFF has: pages, planes, palettes, tiles, and tags with false values."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, collect, read


def change_tag(path, code, value):
    """Overwrite one tag of the first page, as in a damaged or malicious file."""
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags[code].overwrite(value)


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"ome": True}, {"bigtiff": True}])
def test_every_page_is_an_image(options, picture, tmp_path):
    stack = np.stack([picture, picture // 2, picture // 3])
    tifffile.imwrite(tmp_path / "scan.tif", stack, photometric="minisblack", **options)
    references = collect([tmp_path]).references
    assert [reference.name for reference in references] == ["scan.tif", "scan.tif#2", "scan.tif#3"]
    for reference, page in zip(references, stack, strict=True):
        assert np.array_equal(read(reference).pixels, (page / 255).astype(np.float32))


def test_pages_may_differ_in_size_and_type(picture, tmp_path):
    with tifffile.TiffWriter(tmp_path / "scan.tif") as file:
        file.write(picture, photometric="minisblack")
        file.write(picture[:20].astype(np.uint16), photometric="minisblack", compression="zstd")
    images = [read(reference).pixels for reference in collect([tmp_path]).references]
    assert [image.shape for image in images] == [(64, 72), (20, 72)]


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_colour_is_the_same_in_any_arrangement(compression, planar, tile, tmp_path, read_file):
    values = np.random.default_rng(0).integers(0, 65536, (64, 72, 3), dtype=np.uint16)
    stored = np.moveaxis(values, -1, 0) if planar == "separate" else values
    options = {"planarconfig": planar, "compression": compression, "tile": tile}
    tifffile.imwrite(tmp_path / "scan.tif", stored, photometric="rgb", **options)
    grey = values @ np.array([0.299, 0.587, 0.114]) / 65535
    assert np.allclose(read_file(tmp_path / "scan.tif"), grey, atol=1e-6)


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_jpeg_segments_are_read_as_pillow_reads_them(photometric, tile, picture, tmp_path, read_file):
    path, values = (
        tmp_path / "scan.tif",
        picture if photometric == "minisblack" else np.stack([picture] * 3, -1),
    )
    tifffile.imwrite(path, values, photometric=photometric, tile=tile, compression="jpeg")
    with Image.open(path) as oracle:
        assert np.allclose(read_file(path), np.asarray(oracle.convert("L")) / 255, atol=2 / 255)


def test_zero_may_be_white(picture, tmp_path, read_file):
    tifffile.imwrite(tmp_path / "scan.tif", picture, photometric="miniswhite")
    assert np.allclose(read_file(tmp_path / "scan.tif"), 1 - picture / 255, atol=1e-6)


def test_twelve_packed_bits_are_scaled_by_twelve(tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, np.frombuffer(b"\xff\xf0\x00" * 32, np.uint8).reshape(2, 48), photometric="minisblack")
    change_tag(path, "BitsPerSample", 12)
    change_tag(path, "ImageWidth", 32)
    assert np.array_equal(read_file(path), np.tile(np.float32([1, 0]), (2, 16)))


@pytest.mark.parametrize("step", [1, 256, 257])
def test_a_palette_is_read_however_its_sixteen_bits_are_filled(step, picture, tmp_path, read_file):
    palette = np.tile(np.arange(256, dtype=np.uint16) * np.uint16(step), (3, 1))
    tifffile.imwrite(tmp_path / "scan.tif", picture, photometric="palette", colormap=palette)
    assert np.allclose(read_file(tmp_path / "scan.tif"), picture / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"photometric": "separated", "planarconfig": "separate"}, "has TIFF photometric interpretation 5"),
        ({"photometric": "cielab"}, "has TIFF photometric interpretation 8"),
        ({"photometric": "rgb", "compression": "jpeg2000"}, "has TIFF compression 34712"),
        ({"photometric": "ycbcr"}, "holds YCbCr colours without JPEG compression"),
    ],
)
def test_a_page_without_a_defined_brightness_is_refused(options, sentence, picture, tmp_path, read_file):
    values = np.stack([picture] * (4 if options["photometric"] == "separated" else 3))
    values = values if "planarconfig" in options else np.moveaxis(values, 0, -1)
    tifffile.imwrite(tmp_path / "scan.tif", values, **options)
    with pytest.raises(ImageError, match=f"{sentence}, which unoqa does not read") as caught:
        read_file(tmp_path / "scan.tif")
    assert caught.value.code == "unsupported"


def test_complex_numbers_are_refused(picture, tmp_path, read_file):
    tifffile.imwrite(tmp_path / "scan.tif", picture.astype(np.complex64), photometric="minisblack")
    with pytest.raises(ImageError, match="has 64-bit samples of TIFF sample format 6"):
        read_file(tmp_path / "scan.tif")


@pytest.mark.parametrize(("tag", "value"), [("StripOffsets", 0), ("StripByteCounts", 10**6)])
def test_a_missing_strip_is_never_read_as_black(tag, value, picture, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, picture, photometric="minisblack", compression="zlib")
    change_tag(path, tag, value)
    with pytest.raises(ImageError, match=r"scan\.tif ends before its image does"):
        read_file(path)


def test_a_file_whose_chain_of_pages_leaves_it_gets_a_row(picture, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, np.stack([picture] * 3), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        second = file.pages[1].offset
    path.write_bytes(path.read_bytes()[:second])
    (reference,) = collect([path]).references
    with pytest.raises(ImageError, match=r"scan\.tif ends before its image does"):
        read(reference)


def make_chain(count, last):
    """Return a TIFF of `count` empty directories, the last of which links to offset `last`."""
    links = [*range(14, 8 + 6 * count, 6), last]
    return b"II*\x00" + struct.pack("<I", 8) + b"".join(struct.pack("<HI", 0, link) for link in links)


@pytest.mark.parametrize(
    ("count", "last", "sentence"),
    [(3, 14, "links its pages in a circle"), (10_001, 0, "has more than 10,000 pages")],
)
def test_endless_chains_are_refused(count, last, sentence, tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(make_chain(count, last))
    with pytest.raises(ImageError, match=sentence):
        FORMATS.load("tiff")().count_pages(path)


def test_ten_thousand_pages_are_counted(tmp_path):
    (tmp_path / "scan.tif").write_bytes(make_chain(10_000, 0))
    assert FORMATS.load("tiff")().count_pages(tmp_path / "scan.tif") == 10_000


def test_a_jpeg_larger_than_its_page_is_refused(picture, tmp_path, read_file):
    stream, path = BytesIO(), tmp_path / "bomb.tif"
    Image.new("L", (6000, 6000)).save(stream, "JPEG")
    tifffile.imwrite(
        path,
        iter([stream.getvalue()]),
        shape=(64, 72),
        dtype=np.uint8,
        compression="jpeg",
        photometric="minisblack",
    )
    with pytest.raises(ImageError, match=r"bomb\.tif holds a JPEG larger than its own page"):
        read_file(path)


@pytest.mark.parametrize(("kind", "count"), [(3, 2), (2, 1), (12, 1)])
def test_a_size_that_is_not_one_integer_is_refused_at_once(kind, count, picture, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, picture, photometric="minisblack")
    data = path.read_bytes()
    width = data.index(struct.pack("<HH", 256, 4))
    path.write_bytes(data[:width] + struct.pack("<HHI", 256, kind, count) + data[width + 8 :])
    with pytest.raises(ImageError, match=r"scan\.tif is damaged and cannot be decoded"):
        read_file(path)


def test_many_samples_count_against_the_limit(picture, tmp_path, read_file):
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, picture, photometric="minisblack")
    for tag, value in {"ImageWidth": 8000, "ImageLength": 8000, "SamplesPerPixel": 9}.items():
        change_tag(path, tag, value)
    with pytest.raises(ImageError, match="takes 576 MB, more than 512; export the en-face image alone"):
        read_file(path)


def test_a_tile_larger_than_the_limit_is_refused(picture, tmp_path, read_file):
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, picture, photometric="minisblack", tile=(64, 80), compression="zlib")
    for tag in ("TileWidth", "TileLength"):
        change_tag(path, tag, 60_000)
    with pytest.raises(ImageError, match="takes 3,600 MB"):
        read_file(path)
