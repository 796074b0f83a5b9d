"""An image is checked, resized like Pillow does, and identified by its pixels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.image import EnfaceImage


def random_image(rows=96, columns=80, seed=0):
    return np.random.default_rng(seed).random((rows, columns), dtype=np.float32)


@pytest.mark.parametrize("size", [64, 77, 200])
def test_resizing_is_pillows_bilinear_on_float(size):
    pixels = random_image()
    expected = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR)
    resized = EnfaceImage("a.png", pixels).resize(size)
    assert expected.mode == "F"
    assert np.array_equal(resized, np.asarray(expected))


def test_halving_antialiases():
    stripes = np.zeros((256, 256), dtype=np.float32)
    stripes[:, ::2] = 1
    inner = EnfaceImage("a.png", stripes).resize(128)[:, 2:-2]
    assert np.abs(inner - 0.5).max() < 0.01


def test_an_image_of_the_right_size_is_not_changed():
    pixels = random_image(64, 64)
    assert np.array_equal(EnfaceImage("a.png", pixels).resize(64), pixels)


def test_resizing_does_not_change_the_original_and_stays_between_0_and_1():
    pixels = (random_image() > 0.5).astype(np.float32)
    before = pixels.copy()
    resized = EnfaceImage("a.png", pixels).resize(320)
    assert np.array_equal(pixels, before)
    assert 0 <= resized.min() <= resized.max() <= 1


@pytest.mark.parametrize(
    ("pixels", "code", "sentence"),
    [
        (random_image(64, 63), "too-small", "a.png has 63×64 pixels; export it with at least 64 on each side."),
        (np.full((64, 64), np.nan), "not-finite", "a.png holds NaN or infinite values; export it again."),
        (np.full((64, 64), np.inf), "not-finite", "a.png holds NaN or infinite values; export it again."),
        (np.full((64, 64), 0.5), "constant", "a.png has one brightness everywhere; export it again."),
        (np.zeros((64, 64)), "constant", "a.png has one brightness everywhere; export it again."),
        (
            np.linspace(0, 255, 4096).reshape(64, 64),
            "unsupported",
            "a.png holds values from 0 to 255; divide them by the largest that their type can hold, so that they lie "
            "within 0–1.",
        ),
        (
            np.linspace(-0.5, 0.5, 4096).reshape(64, 64),
            "unsupported",
            "a.png holds values from -0.5 to 0.5; divide them by the largest that their type can hold, so that they "
            "lie within 0–1.",
        ),
        (
            np.linspace(0, 255 / (2**32 - 1), 4096).reshape(64, 64),
            "intensity-range",
            "a.png holds float32 values from 0 to 5.93718e-08, less than a millionth of the intensity range; store it "
            "as uint8, or in the same way as the other images.",
        ),
    ],
)
def test_an_image_without_a_picture_is_refused(pixels, code, sentence):
    with pytest.raises(ImageError) as caught:
        EnfaceImage("a.png", pixels).resize(64)
    assert (caught.value.code, str(caught.value)) == (code, sentence)


def test_equal_pixels_have_the_same_digest_whatever_their_name_and_memory_layout():
    pixels = random_image()
    fortran = np.asfortranarray(pixels)
    assert EnfaceImage("a.png", pixels).digest() == EnfaceImage("b.png", fortran).digest()


def test_the_smallest_change_and_another_shape_have_another_digest():
    pixels = random_image()
    changed = pixels.copy()
    changed[3, 4] = np.nextafter(changed[3, 4], np.float32(2))
    digests = {EnfaceImage("a.png", one).digest() for one in (pixels, changed, pixels.reshape(80, 96))}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        ("np.eye(80, dtype=np.uint8) * 255", "a.png holds values from 0 to 255; divide them by the largest that "),
        ("np.zeros((80, 90, 3))", "a.png is an array of shape (80, 90, 3); give one grey channel, rows × columns."),
    ],
)
def test_an_unsupported_array_is_refused_without_jaxtyping_checks_too(array, sentence):
    program = f"""
import numpy as np
from unoqa import EnfaceImage, UnoqaError
try:
    EnfaceImage("a.png", {array}).resize(64)
except UnoqaError as error:
    assert str(error).startswith({sentence!r}), error
else:
    raise AssertionError("not refused")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
