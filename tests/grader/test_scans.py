"""A run says how its images differ from those that the model was fitted on, and a fit how its own differ."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import unoqa
from unoqa import Recipe
from unoqa.core.assessment import Assessment, Failure
from unoqa.formats import from_array
from unoqa.grader.intensity import IntensityRange
from unoqa.grader.scans import FittedScans, describe_warnings, survey
from unoqa.grader.source import ImageSource

RECIPE = Recipe.named("measures")


@pytest.fixture(scope="module")
def pictures(clinic):
    return [Image.open(path) for path in sorted(clinic.mixed.iterdir())]


@pytest.fixture(scope="module")
def outstanding(clinic):
    return [np.asarray(Image.open(path)) for path in sorted(clinic.outstanding.iterdir())[:12]]


def look(arrays, declared=None):
    found = survey(ImageSource.find(list(arrays)), declared)
    return found.scans, found.notices


def test_a_fit_keeps_the_size_of_its_images(grader, model):
    scans = grader.model.scans
    assert (scans.smallest, scans.largest) == ((320, 320), (320, 320))
    assert unoqa.load(model).model.scans == scans
    assert "| fitted on | 30 images of 320×320 pixels |" in (model / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_images_of_another_size_are_warned_of_once(settled, pictures):
    images = [picture.resize((400, 360), Image.Resampling.BILINEAR) for picture in pictures[:3]]
    assert settled.grade_all(images).warnings == (
        "3 of 3 images have another size (400×360: image 1) than those that the model was fitted on (320×320): grades "
        "may move; export at the fitted size or fit again.",
    )
    assert settled.grade_all([*pictures[:3], images[0]]).warnings == (
        "1 of 4 images has another size (400×360: image 4) than those that the model was fitted on (320×320): grades "
        "may move; export at the fitted size or fit again.",
    )
    assert settled.grade_all(pictures[:3]).warnings == ()


def test_settling_and_grading_a_cohort_warn_too(grader, pictures):
    images = [picture.resize((160, 160), Image.Resampling.BILINEAR) for picture in pictures]
    for warnings in (grader.grade_cohort(images).warnings, grader.settle(images).warnings):
        assert warnings[0].startswith("40 of 40 images have another size (160×160: image 1)")


def test_images_that_use_little_of_the_range_are_warned_of(settled, pictures):
    dark = [np.asarray(picture).astype(np.uint16) * 16 for picture in pictures[:2]]
    assert settled.grade_all([*dark, pictures[2]]).warnings == (
        "2 of 3 images use at most an eighth of the model's intensity range (uint8 values from 0 to 255; image 1), "
        "which counts as dark: if files hold fewer bits than their type can, convert them as the images that the model "
        "was fitted on.",
    )


def test_images_that_failed_are_not_counted(grader):
    assessed = [Failure("a.png", "unreadable", ""), Assessment("b.png", 0.0, size=(400, 400), warnings=("other-size",))]
    (sentence,) = describe_warnings(assessed, grader.model.scans)
    assert sentence.startswith("1 of 1 images has another size (400×400: b.png)")


def test_images_of_several_sizes_are_noticed_by_a_fit(outstanding, tmp_path):
    small = np.asarray(Image.fromarray(outstanding[0]).resize((300, 280)))
    grader = RECIPE.fit([small, *outstanding])
    assert grader.fitted.report.notices == (
        "The images have several sizes, such as 300×280 (image 1) and 320×320 (image 2): the same scan gets another "
        "score at another size; export all images at one size.",
        "1 image is nearly a copy of another: image 2 = image 1; they may be the same scan, saved again.",
    )
    grader.save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| fitted on | 13 images of 300×280 to 320×320 pixels |" in card
    resized = (np.asarray(Image.fromarray(small).resize(size)) for size in ((310, 290), (330, 290)))
    between, beyond = (from_array(pixels, "scan.png") for pixels in resized)
    assert grader.assess(between)[0].warnings == ()
    assert grader.assess(beyond)[0].warnings == ("other-size",)


def test_a_range_that_only_the_images_gave_is_noticed(outstanding):
    floats = [array.astype(np.float32) for array in outstanding]
    low, high = min(array.min() for array in floats), max(array.max() for array in floats)
    assert look(floats)[1] == (
        f"The intensity range of the model is what these images hold, float32 values from {low:g} to {high:g}, and an "
        "image with values beyond it cannot be graded; if the scale of the values is known, declare it (intensity "
        "range).",
    )
    assert look(floats, (0.0, 255.0))[1] == ()
    assert look([array / np.float32(255) for array in outstanding])[1] == ()


def test_one_image_that_sets_the_range_of_all_is_noticed(outstanding):
    stray = outstanding[0].astype(np.uint16) * 257
    scans, notices = look([*(array.astype(np.uint16) * 16 for array in outstanding[1:]), stray])
    assert str(scans.intensity_range) == "uint16 values from 0 to 65535"
    (notice,) = notices
    assert notice.startswith(
        "11 of 12 images use at most an eighth of the intensity range, uint16 values from 0 to 65535, such as image 1;"
    )
    assert f"if the largest value ({stray.max()} in image 12) is not the scan's" in notice


def test_images_that_cannot_be_used_do_not_count(outstanding):
    poor = [np.zeros((40, 40), np.uint16), np.full((90, 90), np.nan), np.full((90, 90), 7, np.int16)]
    assert look([*poor, *outstanding]) == look(outstanding)


def test_without_a_single_image_nothing_is_learned(grader):
    scans, notices = look([np.zeros((90, 90))])
    assert (str(scans.intensity_range), scans.smallest, notices) == ("float32 values from 0 to 1", (0, 0), ())
    assert FittedScans.from_values(grader.model.scans.to_values()) == grader.model.scans
    assert isinstance(scans.intensity_range, IntensityRange)
