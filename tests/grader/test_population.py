"""Whether a cohort is of another population than the one that a model was settled on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unoqa.core.assessment import Assessment
from unoqa.encoders.measures import MEASURES
from unoqa.grader.content import NAMES
from unoqa.grader.population import describe_other_population, measure_difference
from unoqa.grader.statistics import CohortStatistics

EVERY = (*NAMES, *MEASURES.names())


def draw(images, seed, *, names=EVERY, score=0.0, **moved):
    """Draw images whose numbers are normal and independent, some moved by standard deviations."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(images):
        values = {name: generator.normal() + moved.get(name, 0.0) for name in names}
        found.append(Assessment(f"{number}.png", score + generator.normal(), f"{seed}-{number}", statistics=values))
    return found


@pytest.fixture(scope="module")
def kept():
    return CohortStatistics.of(draw(200, 1))


def test_sets_of_one_population_differ_by_chance_and_of_two_as_far_as_the_best_line_tells():
    generator = np.random.default_rng(0)
    some, others = generator.normal(size=(2, 2000, 3))
    assert measure_difference(some, others) == pytest.approx(0.5, abs=0.03)
    # The area between two normal distributions two deviations apart is Φ(2 / √2).
    assert measure_difference(some, others + np.array([2, 0, 0])) == pytest.approx(0.921, abs=0.01)


def test_a_cohort_like_the_one_kept_says_nothing(kept):
    assert describe_other_population(kept, draw(40, 2)) == ()


def test_a_cohort_of_another_device_is_named_with_what_is_farthest(kept):
    (sentence,) = describe_other_population(kept, draw(40, 2, brightness=4, speckle=-3, tones_low=2))
    assert sentence == (
        "These 40 images are unlike those that the model was settled on, above all in brightness, speckle and "
        "distribution of grey (low): if they are of another device, or exported otherwise, their grades mean little; "
        "fit a model of such images, or adapt this one (unoqa settle --adapt)."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"score": 9.0},
        {"brightness": 0.7, "contrast": 0.7, "sharpness": -0.7},
    ],
)
def test_worse_images_of_the_same_device_are_not_another_population(kept, change):
    assert describe_other_population(kept, draw(40, 2, **change)) == ()


def test_few_images_copies_and_what_is_no_scan_are_not_compared(kept):
    others = draw(20, 2, brightness=9)
    assert describe_other_population(kept, others)
    assert describe_other_population(kept, others[:19]) == ()
    assert describe_other_population(kept, [*others[:19], others[0]]) == ()
    assert describe_other_population(kept, [replace(one, out_of_scope="other-content") for one in others]) == ()
    assert describe_other_population(None, others) == ()


def test_images_without_measures_are_compared_by_their_content(kept):
    assert describe_other_population(kept, draw(40, 2, names=NAMES)) == ()
    assert describe_other_population(kept, draw(40, 2, names=NAMES, oblique_1=9))


def test_a_settled_model_warns_of_scans_exported_otherwise(settled, clinic):
    images = clinic.images()
    changed = [replace(one, pixels=0.6 * one.pixels) for one in images]
    assert not any("are unlike those" in one for one in settled.grade_all(images).warnings)
    assert any("are unlike those that the model was settled on" in one for one in settled.grade_all(changed).warnings)
