"""Which numbers are black and white is decided once per model, and an image that does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

import unoqa
from unoqa import Grade, Recipe
from unoqa.core.errors import FitError, ImageError, UsageError
from unoqa.core.image import NumberType
from unoqa.formats import ImageReference, from_array, read
from unoqa.grader.intensity import IntensityRange, StoredValues, choose_range

RECIPE = Recipe.named("measures")
UINT8 = IntensityRange(NumberType("unsigned", 8), 0.0, 255.0)
TWELVE_BITS = IntensityRange(NumberType("unsigned", 16), 0.0, 4095.0)
FLOATS = IntensityRange(NumberType("float", 32), -3.0, 24.7)
SIGNED = IntensityRange(NumberType("signed", 16), -1000.0, 3000.0)


def ramp(low, high, dtype="float64"):
    """Return 64×64 numbers from `low` to `high`."""
    return np.linspace(low, high, 4096).reshape(64, 64).astype(dtype)


def image(low, high, dtype="float64"):
    return from_array(ramp(low, high, dtype), "scan.tif")


def refusal(call, error=ImageError):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@pytest.fixture(scope="module")
def bytes_of(clinic):
    """Return the numbers of twelve outstanding scans, of 8 bits."""
    return [np.asarray(Image.open(path)) for path in sorted(clinic.outstanding.iterdir())[:12]]


@pytest.fixture(scope="module")
def scan(clinic):
    """Return the numbers of another outstanding scan."""
    return np.asarray(Image.open(sorted(clinic.outstanding.iterdir())[12]))


def fit(arrays, **settings):
    return RECIPE.fit([from_array(array, f"scan {row}") for row, array in enumerate(arrays)], **settings)


@pytest.fixture(scope="module")
def twelve_bits(bytes_of):
    """Return a grader of scans of 12 bits in files of 16."""
    return fit([array.astype(np.uint16) * 16 for array in bytes_of])


def score(grader, array):
    return grader.assess(from_array(array, "scan.tif"))[0]


@pytest.mark.parametrize(
    ("low", "high", "dtype", "expected"),
    [
        (0, 200, "uint8", "uint8 values from 0 to 255"),
        (0, 255, "uint16", "uint16 values from 0 to 255"),
        (0, 256, "uint16", "uint16 values from 0 to 1023"),
        (0, 1024, "uint16", "uint16 values from 0 to 4095"),
        (0, 4095, "uint16", "uint16 values from 0 to 4095"),
        (0, 4096, "uint16", "uint16 values from 0 to 16383"),
        (0, 16384, "uint16", "uint16 values from 0 to 65535"),
        (0, 255, "uint32", "uint32 values from 0 to 255"),
        (0, 2**32 - 1, "uint32", "uint32 values from 0 to 4.29497e+09"),
        (0.2, 0.7, "float32", "float32 values from 0 to 1"),
        (-1e-6, 1, "float32", "float32 values from 0 to 1"),
        (0, 25, "float64", "float64 values from 0 to 25"),
        (-5, 25, "int16", "int16 values from -5 to 25"),
    ],
)
def test_the_range_is_learned_from_all_images(low, high, dtype, expected):
    images = [image(low + (high - low) / 2, high, dtype), image(low, high - (high - low) / 2, dtype)]
    assert str(choose_range([StoredValues.of(one) for one in images], None)) == expected


def test_numbers_of_different_types_have_no_common_range(bytes_of, tmp_path):
    for number, array in enumerate(bytes_of[:3]):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    tifffile.imwrite(tmp_path / "9.tif", bytes_of[3].astype(np.uint16) * 257)
    assert refusal(lambda: RECIPE.fit(tmp_path), FitError) == (
        "0.png holds uint8 values and 9.tif uint16 values, so equal numbers do not mean equal brightness; convert all "
        "images to one type, or leave one kind out."
    )


@pytest.mark.parametrize(
    ("chosen", "same"),
    [
        (UINT8, image(0, 255, "uint8")),
        (UINT8, from_array(ramp(0, 255, "uint8").astype(np.uint16) * 257, "scan.tif")),
        (UINT8, from_array(ramp(0, 255, "uint8") / np.float32(255), "scan.tif")),
    ],
    ids=["uint8", "uint16", "float"],
)
def test_types_that_are_used_in_full_have_equal_bits(chosen, same):
    expected = (ramp(0, 255, "uint8") / np.float32(255)).astype(np.float32)
    assert np.array_equal(chosen.scale(same).pixels, expected)


@pytest.mark.parametrize(
    ("chosen", "given"),
    [
        (TWELVE_BITS, image(0, 4095, "uint16")),
        (TWELVE_BITS, image(0, 255, "uint8")),
        (TWELVE_BITS, image(0, 1)),
        (TWELVE_BITS, image(0, 4098, "uint16")),
        (FLOATS, image(-3, 24.7)),
        (FLOATS, image(-3.01, 24.71)),
        (SIGNED, image(-1000, 3000, "int32")),
    ],
)
def test_the_range_is_black_to_white(chosen, given):
    pixels = chosen.scale(given).pixels
    assert pixels.dtype == np.float32
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert np.allclose(pixels, ramp(0, 1), atol=0.005)


def test_the_largest_floats_have_a_range_too():
    values = np.array([-1.7e308, 0, 1.7e308]).repeat(64)[:, None].repeat(64, axis=1)
    huge = from_array(values, "scan.tif")
    pixels = choose_range([StoredValues.of(huge)], None).scale(huge).pixels
    assert np.array_equal(np.unique(pixels), np.float32([0, 0.5, 1]))


CONVERT = "convert it as the images that the model was fitted on"
MISFITS = {
    "floats up to 25 beside uint8": (
        UINT8,
        image(0, 25),
        "scan.tif holds float64 values from 0 to 25, and the model was fitted on uint8 values from 0 to 255, to which "
        f"floats correspond only from 0 to 1; {CONVERT}, or fit a model on such images.",
    ),
    "signed beside unsigned": (
        UINT8,
        image(0, 255, "int16"),
        "scan.tif holds int16 values from 0 to 255, and the model was fitted on uint8 values from 0 to 255; "
        f"{CONVERT}, or fit a model on such images.",
    ),
    "uint8 beside floats that have no full range": (
        FLOATS,
        image(0, 20, "uint8"),
        "scan.tif holds uint8 values from 0 to 20, and the model was fitted on float32 values from -3 to 24.7; "
        f"{CONVERT}, or fit a model on such images.",
    ),
    "16 bits beside 12": (
        TWELVE_BITS,
        image(0, 65535, "uint16"),
        "scan.tif holds uint16 values from 0 to 65535, outside the model's intensity range of 0 to 4095; "
        f"{CONVERT}, or fit again with an intensity range that holds it.",
    ),
    "floats beyond": (
        FLOATS,
        image(-4, 24),
        "scan.tif holds float64 values from -4 to 24, outside the model's intensity range of -3 to 24.7; "
        f"{CONVERT}, or fit again with an intensity range that holds it.",
    ),
    "8 bits stored in 32": (
        UINT8,
        image(0, 255, "uint32"),
        "scan.tif holds uint32 values from 0 to 255, less than a millionth of what the model takes for black to white; "
        f"{CONVERT} (uint8 values from 0 to 255).",
    ),
}


@pytest.mark.parametrize(("chosen", "misfit", "sentence"), MISFITS.values(), ids=MISFITS)
def test_an_image_that_does_not_fit_is_refused(chosen, misfit, sentence):
    with pytest.raises(ImageError) as caught:
        chosen.scale(misfit)
    assert (caught.value.code, str(caught.value)) == ("intensity-range", sentence)


def test_a_range_read_back_is_the_same():
    for chosen in (UINT8, TWELVE_BITS, FLOATS, SIGNED):
        assert IntensityRange.from_values(chosen.to_values()) == chosen
    with pytest.raises(ValueError, match="is not an intensity range"):
        IntensityRange.from_values({**UINT8.to_values(), "low": 255})


def test_a_dim_scan_is_not_made_bright(settled, scan):
    """The smallest cases of the issue: a scan × .1, as floats up to 25, and up to 1 with one pixel below 0."""
    eight_bits = settled.grade((scan * 0.1).astype(np.uint8))
    assert settled.grade(scan).grade is Grade.OUTSTANDING
    assert eight_bits.grade is not Grade.OUTSTANDING
    assert refusal(lambda: settled.grade(scan * np.float32(0.1))).startswith("image 1 holds float32 values from ")
    floats = (scan * np.float32(0.1) / 255).astype(np.float32)
    floats[np.unravel_index(floats.argmin(), floats.shape)] = -1e-6
    as_floats = settled.grade(floats)
    assert as_floats.grade is eight_bits.grade
    assert as_floats.score == pytest.approx(eight_bits.score, rel=0.05)


def test_a_model_of_floats_grades_by_their_scale(bytes_of, scan):
    grader = fit([array.astype(np.float32) for array in bytes_of], intensity_range=(0.0, 255.0))
    eight_bits = fit(bytes_of)
    bright, dim = (score(grader, (scan * factor).astype(np.float32)) for factor in (1, 0.1))
    assert bright.score == pytest.approx(score(eight_bits, scan).score, rel=1e-4)
    assert grader.threshold.passes(bright.score)
    assert not grader.threshold.passes(dim.score)


def test_twelve_bits_in_files_of_sixteen_are_not_dark(twelve_bits, bytes_of, scan):
    eight_bits = fit(bytes_of)
    assert str(twelve_bits.intensity_range) == "uint16 values from 0 to 4095"
    assessed = score(twelve_bits, scan.astype(np.uint16) * 16)
    assert assessed.warnings == ()
    assert assessed.score == pytest.approx(score(eight_bits, scan).score, abs=0.05)
    assert "dark-range" in score(eight_bits, scan.astype(np.uint16) * 16).warnings


def test_a_declared_range_is_kept(bytes_of, scan, tmp_path):
    grader = fit([array.astype(np.uint16) * 10 for array in bytes_of], intensity_range=(0.0, 2550.0))
    grader.save(tmp_path / "model")
    again = unoqa.load(tmp_path / "model")
    assert again.intensity_range == grader.intensity_range == IntensityRange(NumberType("unsigned", 16), 0.0, 2550.0)
    assert score(again, scan.astype(np.uint16) * 10).score == score(grader, scan.astype(np.uint16) * 10).score
    assert score(grader, scan.astype(np.uint16) * 10).score == pytest.approx(score(fit(bytes_of), scan).score, rel=1e-4)
    assert "| uint16 values from 0 to 2550 |" in (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_images_outside_a_declared_range_are_not_fitted_on(bytes_of):
    halves = [array // 2 for array in bytes_of]
    report = fit([*halves, bytes_of[0]], intensity_range=(0.0, 127.0)).fitted.report
    assert [(one.name, one.code) for one in report.failures] == [("scan 12", "intensity-range")]
    assert report.used == 12


@pytest.mark.parametrize("declared", [(255.0, 0.0), (1.0, 1.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_a_range_that_is_none_is_refused(declared, clinic):
    sentence = refusal(lambda: RECIPE.fit(clinic.outstanding, intensity_range=declared), UsageError)
    low, high = declared
    assert sentence == (
        f"The intensity range {low:g} to {high:g} is empty or not finite; give the number that is black and the larger "
        "one that is white, such as 0 and 4095."
    )


def test_a_file_and_its_array_are_scaled_alike(twelve_bits, scan, tmp_path):
    tifffile.imwrite(tmp_path / "scan.tif", scan.astype(np.uint16) * 16, photometric="minisblack")
    from_file = read(ImageReference("scan.tif", tmp_path / "scan.tif", 0))
    assert twelve_bits.assess(from_file)[0].score == score(twelve_bits, scan.astype(np.uint16) * 16).score
