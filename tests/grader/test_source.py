"""Images in memory are read by the rules of files; what is no image is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from unoqa import EnfaceImage, UnoqaError
from unoqa.core.assessment import Failure
from unoqa.grader.source import ImageSource

BYTES = np.random.default_rng(0).integers(0, 256, (80, 72), dtype=np.uint8)
GREY = (BYTES / np.float32(255)).astype(np.float32)
COLOURS = np.repeat(BYTES[..., None], 3, axis=2)

SAME = {
    "uint8": BYTES,
    "uint16": (BYTES.astype(np.uint16) * 257),
    "float from 0 to 1": GREY,
    "one channel": BYTES[..., None],
    "rgb": COLOURS,
    "rgba": np.concatenate([COLOURS, np.zeros((80, 72, 1), np.uint8)], axis=2),
    "pil": Image.fromarray(BYTES),
    "pil rgb": Image.fromarray(COLOURS),
    "pil palette": Image.fromarray(BYTES).convert("P"),
    "tensor": torch.from_numpy(BYTES),
    "tensor with channels first": torch.from_numpy(np.moveaxis(COLOURS, -1, 0).copy()),
    "tensor with a gradient": torch.from_numpy(GREY).requires_grad_(),
}


def load(image):
    (lazy,) = ImageSource.find(image).images
    return lazy.load()


@pytest.mark.parametrize("image", SAME.values(), ids=SAME)
def test_one_scan_is_the_same_in_every_form(image):
    np.testing.assert_allclose(load(image).pixels, GREY, atol=1e-6)


AS_STORED = {
    "float beyond 1": BYTES.astype(np.float32),
    "signed": BYTES.astype(np.int16),
    "pil float": Image.fromarray(BYTES.astype(np.float32)),
    "pil signed": Image.fromarray(BYTES.astype(np.int32)),
}


@pytest.mark.parametrize("image", AS_STORED.values(), ids=AS_STORED)
def test_numbers_without_a_largest_stay_as_they_are(image):
    assert np.array_equal(load(image).pixels, BYTES)


def test_images_in_memory_are_numbered_and_those_with_a_name_keep_it():
    source = ImageSource.find([BYTES, EnfaceImage("scan.png", GREY), Image.fromarray(BYTES)])
    assert [image.name for image in source.images] == ["image 1", "scan.png", "image 3"]


REFUSED = {
    "masked": (np.ma.masked_array(BYTES, BYTES > 9), "has masked values; fill them or crop the image"),
    "a stack": (np.zeros((5, 80, 72)), "has shape (5, 80, 72); give rows × columns"),
    "two channels": (np.zeros((80, 72, 2)), "has shape (80, 72, 2)"),
    "a line": (np.zeros(80), "has shape (80,)"),
    "complex": (GREY.astype(np.complex64), "holds values of type complex64; convert it to uint8 or float 0–1"),
    "not finite": (np.where(BYTES > 9, np.nan, GREY), "holds NaN or infinite values"),
}


@pytest.mark.parametrize(("image", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_an_image_costs_its_own_row(image, reason):
    (lazy,) = ImageSource.find(image).images
    failure = lazy.apply(lambda loaded: loaded)
    assert isinstance(failure, Failure)
    assert failure.message.startswith("image 1 ")
    assert reason in failure.message


@pytest.mark.parametrize("given", [["scan.png", BYTES], [1, 2], [None]])
def test_other_things_are_refused(given):
    with pytest.raises(UnoqaError, match=r"^Images must be paths, or images in memory"):
        ImageSource.find(given)


def test_an_array_is_graded_like_its_file(settled, clinic):
    image = clinic.images()[0]
    by_name, by_pixels = settled.grade(image), settled.grade(image.pixels)
    assert (by_name.score, by_name.grade) == (by_pixels.score, by_pixels.grade)
