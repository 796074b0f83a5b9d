"""What kind of picture an image is: photographs, B-scans and inverted scans are none that a model grades."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from unoqa import EnfaceImage
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.grading import Grade
from unoqa.grader.content import FittedContent, describe_content, find_odd
from unoqa.grader.scans import survey
from unoqa.grader.source import ImageSource

PICTURES = ("astronaut", "brick", "camera", "chelsea", "coins", "grass", "gravel", "moon", "page", "text")


def make_image(pixels, name="picture"):
    grey = np.asarray(pixels, dtype=np.float32)
    return EnfaceImage(name, (grey.mean(axis=-1) if grey.ndim == 3 else grey) / np.float32(255))


def draw_b_scan(seed):
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:240, :320]
    depth = down - 90 - 20 * np.sin(across / 320 * np.pi + rng.random())
    layers = sum(bright * np.exp(-(((depth - at) / thick) ** 2)) for at, thick, bright in [(0, 8, 0.8), (40, 15, 0.6)])
    return make_image(255 * np.clip(layers * (0.6 + 0.4 * rng.random((240, 320))), 0, 1))


@pytest.fixture(scope="module")
def scans(outstanding_scans):
    return [make_image(one.pixels, one.name) for one in outstanding_scans]


@pytest.fixture(scope="module")
def fitted(scans):
    return FittedContent.fit([describe_content(one) for one in scans[::2]])


def test_no_statistic_depends_on_brightness_or_contrast(scans):
    other = replace(scans[0], pixels=scans[0].pixels * np.float32(0.3) + np.float32(0.1))
    np.testing.assert_allclose(describe_content(other), describe_content(scans[0]), atol=2e-3)


def test_the_distance_of_the_kind_itself_is_about_one(fitted, scans):
    distances = [fitted.measure_distance(describe_content(one)) for one in scans[1::2]]
    assert 0.5 < np.median(distances) < 2.0
    assert not any(fitted.is_other(describe_content(one)) for one in scans)


@pytest.mark.parametrize("name", PICTURES)
def test_a_photograph_is_another_kind_of_picture(fitted, name):
    assert fitted.is_other(describe_content(make_image(getattr(data, name)(), name)))


@pytest.mark.parametrize("seed", range(3))
def test_a_b_scan_is_another_kind_of_picture(fitted, seed):
    assert fitted.is_other(describe_content(draw_b_scan(seed)))


def test_an_inverted_scan_is_another_kind_of_picture(fitted, scans):
    assert all(fitted.is_other(describe_content(replace(one, pixels=1 - one.pixels))) for one in scans)


@pytest.mark.parametrize("kind", ["blink", "dim", "motion", "blur", "noise", "contrast", "underexposure"])
def test_a_poor_scan_is_still_a_scan(fitted, scans, kind):
    damage, rng = load_damages()[kind], np.random.default_rng(0)
    poor = [replace(one, pixels=damage.apply(one.pixels, 0.25, rng)[0]) for one in scans[1::2]]
    assert np.mean([fitted.is_other(describe_content(one)) for one in poor]) <= 0.2


def test_inverted_scans_among_those_to_fit_on_are_named(scans):
    mixed = [*scans[:19], *(replace(one, name=f"inverted {one.name}", pixels=1 - one.pixels) for one in scans[19:24])]
    assert find_odd([describe_content(one) for one in mixed]) == list(range(19, 24))
    (notice,) = survey(ImageSource.find(mixed), None).notices
    assert notice.startswith(f"5 of 24 images are unlike the rest ({', '.join(one.name for one in mixed[19:])}): ")
    assert find_odd([describe_content(one) for one in scans]) == []
    assert survey(ImageSource.find(scans), None).notices == ()


def test_what_was_saved_gives_the_same_distance(fitted, scans):
    again, content = FittedContent.restore(fitted.state()), describe_content(scans[1])
    assert (again.limit, again.measure_distance(content)) == (fitted.limit, fitted.measure_distance(content))


def test_another_picture_has_a_score_and_is_never_outstanding(grader):
    assessment, _ = grader.assess(make_image(data.brick(), "brick.png"))
    assert (assessment.out_of_scope, assessment.warnings) == ("other-content", ("other-size",))
    assert np.isfinite(assessment.score)


def test_another_picture_does_not_move_the_grades_of_a_cohort(grader, clinic_scans):
    cohort = [make_image(one.pixels, f"{number}.png") for number, one in enumerate(clinic_scans)]
    foreign = [make_image(getattr(data, name)(), f"{name}.png") for name in ("grass", "brick", "moon")]
    alone, together = grader.grade_cohort(cohort), grader.grade_cohort([*cohort, *foreign])
    assert [one.grade for one in together.gradings[: len(cohort)]] == [one.grade for one in alone.gradings]
    assert [(one.grade, one.certainty) for one in together.gradings[len(cohort) :]] == [(Grade.UNGRADABLE, 0.0)] * 3
    foreign_too = sum(one.out_of_scope != "" for one in together.gradings)
    assert any(
        one.startswith(f"{foreign_too} of {len(cohort) + 3} images are unlike the scans") for one in together.warnings
    )
