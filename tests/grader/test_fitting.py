"""Fitting says what became of the images given, and how many it needs."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unoqa import Recipe
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.core.errors import FitError, UsageError
from unoqa.formats import collect, from_array, read
from unoqa.grader.cross_fitting import assign_folds
from unoqa.thresholds.conformal import Conformal

RECIPE = Recipe.named("measures")
HELD_OUT = replace(RECIPE, panel=replace(RECIPE.panel, folds=3, final="held-out"))


@pytest.fixture
def folder(clinic, tmp_path):
    """Return a folder of twelve outstanding scans."""
    for path in sorted(clinic.outstanding.iterdir())[:12]:
        shutil.copy(path, tmp_path)
    return tmp_path


def refusal(recipe, source):
    with pytest.raises(FitError) as error:
        recipe.fit(source)
    return str(error.value)


def test_a_report_of_plain_images(grader):
    report = grader.fitted.report
    assert (report.used, report.failures, report.duplicates, report.ignored) == (30, (), (), 0)


def test_copies_are_learned_from_once_and_named(folder):
    first = min(folder.iterdir())
    Image.open(first).save(folder / "zz_again.bmp")
    report = RECIPE.fit(folder).fitted.report
    assert report.used == 12
    assert report.duplicates == (("zz_again.bmp", first.name),)


def test_an_image_unlike_the_rest_is_named(folder):
    poor = next(draw_scans(outstanding=0, gradable=0, ungradable=1, seed=7))
    Image.fromarray(poor.pixels).save(folder / "poor.png")
    report = RECIPE.fit(folder).fitted.report
    assert report.used == 13
    assert report.unusual[0] == "poor.png"


def test_an_image_unlike_the_rest_is_named_whether_held_out_or_learned_from(clinic):
    poor = next(draw_scans(outstanding=0, gradable=0, ungradable=1, seed=7))
    images = [read(one) for one in collect([clinic.outstanding]).references] + [from_array(poor.pixels, "poor")]
    found = {}
    for seed in range(4):
        report = HELD_OUT.fit(images, seed=seed).fitted.report
        found[bool(assign_folds(len(images), 3, seed=seed)[-1] == 0)] = report.unusual[0]
    assert found == {True: "poor", False: "poor"}


def test_good_images_are_not_unlike_the_rest_to_a_single_member(clinic):
    (first, *_), fusion = RECIPE.panel.members, RECIPE.panel.fusion
    alone = replace(RECIPE, panel=replace(RECIPE.panel, members=(first,)))
    assert fusion == "norm"
    assert len(alone.fit(clinic.outstanding).fitted.report.unusual) <= 3  # of 30


def test_images_that_cannot_be_read_cost_one_line_each(folder):
    (folder / "notes.txt").write_text("no image")
    (folder / "text.png").write_text("no image either")
    Image.fromarray(np.full((99, 99), 7, np.uint8)).save(folder / "grey.png")
    report = RECIPE.fit(folder).fitted.report
    assert (report.used, report.ignored) == (12, 1)
    assert [(one.name, one.code) for one in report.failures] == [("grey.png", "constant"), ("text.png", "unreadable")]


def test_too_few_images_say_how_many_are_needed(folder):
    for path in sorted(folder.iterdir())[5:]:
        path.unlink()
    assert refusal(RECIPE, folder) == (
        "At least 9 different outstanding images are needed, and 5 can be used; "
        "give more images, choose a recipe that needs fewer, or set a larger alpha "
        "(the share of outstanding images above the threshold)."
    )


@pytest.mark.parametrize(("alpha", "needed"), [(0.05, 19), (0.03, 33), (0.01, 99), (0.001, 999)])
def test_a_smaller_alpha_needs_more_images(alpha, needed, folder):
    assert refusal(RECIPE.with_alpha(alpha), folder) == (
        f"At least {needed} different outstanding images are needed, and 12 can be used; "
        "give more images, choose a recipe that needs fewer, or set a larger alpha "
        "(the share of outstanding images above the threshold)."
    )


@pytest.mark.parametrize(("alpha", "needed"), [(0.1, 25), (0.05, 55)])
def test_a_threshold_of_held_out_images_needs_enough_of_them(alpha, needed, folder):
    assert refusal(HELD_OUT.with_alpha(alpha), folder).startswith(f"At least {needed} different outstanding images")
    held_out = [np.count_nonzero(assign_folds(images, 3, seed=0) == 0) for images in (needed, needed - 1)]
    assert held_out == [Conformal(alpha=alpha).min_images, Conformal(alpha=alpha).min_images - 1]


def test_scores_are_not_standardised_by_fewer_than_five_held_out_images(folder):
    assert refusal(HELD_OUT.with_alpha(0.5), folder).startswith("At least 13 different outstanding images are needed")


def test_a_large_alpha_still_needs_one_image_a_fold(folder):
    for path in sorted(folder.iterdir())[4:]:
        path.unlink()
    assert refusal(RECIPE.with_alpha(0.5), folder).startswith("At least 5 different outstanding images are needed")


def test_copies_do_not_count(folder):
    for path in sorted(folder.iterdir())[8:]:
        path.unlink()
    for path in sorted(folder.iterdir()):
        shutil.copy(path, folder / f"copy_{path.name}")
    assert refusal(RECIPE, folder).startswith("At least 9 different outstanding images are needed, and 8 can be used;")


def test_too_few_readable_images_name_the_first_that_is_not(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    assert refusal(RECIPE, tmp_path) == (
        "At least 9 different outstanding images are needed, and 0 can be used (1 of 1 could not be read: text.png "
        "holds no image that unoqa reads (bmp, dicom, jpeg, matlab, nifti, npy, png, tiff); "
        "open it in a viewer and export it again.); "
        "give more images, choose a recipe that needs fewer, or set a larger alpha "
        "(the share of outstanding images above the threshold)."
    )


def test_an_empty_folder(tmp_path):
    with pytest.raises(UsageError) as error:
        RECIPE.fit(tmp_path)
    assert str(error.value) == (
        f"'{tmp_path}' holds no image and no other file; "
        "give files or folders of bmp, dicom, jpeg, matlab, nifti, npy, png, tiff."
    )


def test_images_in_memory_are_learned_from_as_files_are(clinic, grader):
    images = [read(reference) for reference in collect([clinic.outstanding]).references]
    again = RECIPE.fit(images)
    assert again.fitted.threshold == grader.fitted.threshold


def test_an_unknown_device(clinic):
    with pytest.raises(UsageError) as error:
        RECIPE.fit(clinic.outstanding, device="gpu")
    assert str(error.value) == "There is no device 'gpu'; choose one of auto, cpu, cuda."
