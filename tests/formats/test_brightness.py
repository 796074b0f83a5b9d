"""What another program wrote, unoqa reads: the same numbers; unsigned ones are scaled by the range of their type."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.formats import ImageReference, read

shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
finite = {"allow_nan": False, "allow_infinity": False}


def integers(*types):
    return st.sampled_from(types).flatmap(lambda name: arrays(name, shapes))


@quick
@given(values=integers("uint8", "uint16"))
def test_a_grey_png_is_read_exactly(values, tmp_path, read_file):
    path = tmp_path / "scan.png"
    Image.fromarray(values).save(path)
    full = np.iinfo(values.dtype).max
    assert np.array_equal(read_file(path), (values / full).astype(np.float32))


@quick
@given(values=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_a_grey_bmp_is_read_exactly(values, tmp_path, read_file):
    path = tmp_path / "scan.bmp"
    Image.fromarray(values).save(path)
    assert np.array_equal(read_file(path), (values / 255).astype(np.float32))


@quick
@given(values=arrays(np.uint8, st.just((24, 24))))
def test_jpeg_is_read_as_pillow_decodes_it(values, tmp_path, read_file):
    path = tmp_path / "scan.jpg"
    Image.fromarray(values).save(path, quality=90)
    with Image.open(path) as oracle:
        assert np.allclose(read_file(path), np.asarray(oracle) / 255, atol=1e-6)


@quick
@given(
    values=integers("bool", "uint8", "uint16", "uint32", "uint64"),
    compression=st.sampled_from([None, "lzw", "zlib", "zstd", "packbits"]),
    big=st.booleans(),
    order=st.sampled_from("<>"),
)
def test_tiff_of_unsigned_integers_is_scaled_by_its_type(values, compression, big, order, tmp_path, read_file):
    path, full = tmp_path / "scan.tif", 1 if values.dtype == bool else np.iinfo(values.dtype).max
    options = {"bigtiff": big, "byteorder": order, "photometric": "minisblack"}
    tifffile.imwrite(path, values, compression=None if values.dtype == bool else compression, **options)
    assert np.allclose(read_file(path), values / full, atol=1e-7)


@quick
@given(
    values=st.sampled_from([16, 32, 64]).flatmap(
        lambda n: arrays(f"f{n // 8}", shapes, elements=st.floats(0, 1, width=n))
    )
)
def test_float_tiff_within_0_and_1_is_taken_as_it_is(values, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, values, photometric="minisblack")
    assert np.array_equal(read_file(path), values)


@quick
@given(values=arrays(np.float64, shapes, elements=st.floats(**finite)))
def test_float_tiff_beyond_0_and_1_is_taken_as_it_is(values, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, values, photometric="minisblack")
    assert np.array_equal(read_file(path), values)


@quick
@given(values=integers("int8", "int16", "int32"))
def test_signed_tiff_is_taken_as_it_is(values, tmp_path, read_file):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, values, photometric="minisblack")
    assert np.array_equal(read_file(path), values)


@pytest.mark.parametrize("name", ["uint8", "uint16", "uint32", "int16", "float32", "float64"])
def test_an_image_says_which_numbers_its_file_holds(name, picture, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, picture.astype(name), photometric="minisblack")
    image = read(ImageReference("scan.tif", path, 0))
    assert str(image.number_type) == name
    assert image.describe_values() == f"{name} values from {picture.min()} to {picture.max()}"


@pytest.mark.parametrize("name", ["float32", "int16"])
def test_numbers_without_a_largest_cannot_be_turned_to_negatives(name, picture, tmp_path, read_file):
    tifffile.imwrite(tmp_path / "scan.tif", picture.astype(name), photometric="miniswhite")
    with pytest.raises(ImageError) as caught:
        read_file(tmp_path / "scan.tif")
    assert str(caught.value) == (
        f"scan.tif holds {name} values of which 0 is white, which unoqa does not read; export it as a grey PNG or TIFF."
    )


@quick
@given(values=arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
def test_colours_are_weighted_as_pillow_does(values, tmp_path, read_file):
    path = tmp_path / "scan.png"
    Image.fromarray(values).save(path)
    oracle = np.asarray(Image.fromarray(values).convert("L")) / 255
    assert np.allclose(read_file(path), oracle, atol=0.6 / 255)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_tiff_with_nan_or_infinity_is_refused(value, picture, tmp_path, read_file):
    path, values = tmp_path / "scan.tif", picture.astype(np.float32)
    values[3, 4] = value
    tifffile.imwrite(path, values, photometric="minisblack")
    with pytest.raises(ImageError, match=r"scan\.tif holds NaN or infinite values") as caught:
        read_file(path)
    assert caught.value.code == "not-finite"


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_and_never_saturate(suffix, tmp_path, read_file):
    path = tmp_path / f"ramp.{suffix}"
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    Image.fromarray(ramp).save(path)
    assert np.allclose(read_file(path), np.linspace(0, 1, 65536).reshape(256, 256), atol=1e-7)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_three_equal_channels_give_exactly_the_same_grey(mode, picture, tmp_path, read_file):
    for name, image in {
        "a.png": Image.fromarray(picture),
        "b.png": Image.fromarray(picture).convert(mode),
    }.items():
        image.save(tmp_path / name)
    assert np.array_equal(read_file(tmp_path / "a.png"), read_file(tmp_path / "b.png"))


def test_alpha_is_ignored(picture, tmp_path, read_file):
    path = tmp_path / "scan.png"
    Image.fromarray(np.stack([picture, np.zeros_like(picture)], axis=-1), mode=None).save(path)
    assert np.array_equal(read_file(path), (picture / 255).astype(np.float32))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_a_palette_is_looked_up(suffix, picture, tmp_path, read_file):
    image = Image.fromarray(picture // 128).convert("P")
    image.putpalette([255, 255, 255, 0, 0, 255])
    image.save(tmp_path / f"scan.{suffix}", **({"transparency": b"\x00\xff"} if suffix == "png" else {}))
    pixels = read_file(tmp_path / f"scan.{suffix}")
    assert np.allclose(pixels, np.where(picture >= 128, 0.114, 1.0), atol=1e-6)


def test_cmyk_is_refused(picture, tmp_path, read_file):
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "print.jpg")
    with pytest.raises(ImageError, match=r"print\.jpg holds CMYK pixels, which unoqa does not read; export it"):
        read_file(tmp_path / "print.jpg")


def test_colour_png_of_sixteen_bits_is_read_by_its_high_byte(tmp_path, read_file):
    imagecodecs = pytest.importorskip("imagecodecs")
    values = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    (tmp_path / "scan.png").write_bytes(imagecodecs.png_encode(values))
    grey = values @ np.array([0.299, 0.587, 0.114]) / 65535
    assert np.allclose(read_file(tmp_path / "scan.png"), grey, atol=1 / 255)


def test_exif_orientation_is_not_applied(picture, tmp_path, read_file):
    image, exif = Image.fromarray(picture), Image.Exif()
    exif[0x0112] = 6  # rotate by 90°
    image.save(tmp_path / "scan.jpg", exif=exif)
    assert read_file(tmp_path / "scan.jpg").shape == picture.shape
