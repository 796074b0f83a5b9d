"""Borders that labels set, and the agreement to expect of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.benchmark.calibration.borders import Scored, count_below, fit_borders, measure_kappas
from unoqa.benchmark.calibration.expectation import cross_validate
from unoqa.core.grading import Grade


def draw(random, count, *, threshold, border, noise=1.0):
    """Return images with a reader's grades, who sees what the score sees and makes mistakes."""
    scores = random.gamma(2, 3, count)
    seen = scores + random.normal(0, noise, count)
    return Scored(scores, np.where(seen <= threshold, 2, np.where(seen <= border, 1, 0)))


def grade(scores, threshold, border):
    return np.where(scores <= threshold, Grade.OUTSTANDING, np.where(scores <= border, Grade.GRADABLE, 0))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_kappa_of_each_pair_of_borders_is_that_of_the_grades_they_give(seed, count):
    random = np.random.default_rng(seed)
    images = Scored(random.normal(size=count), random.integers(3, size=count))
    candidates = np.sort(random.normal(size=6))
    total = np.bincount(images.grades, minlength=3).astype(float)[:, None]
    kappas = measure_kappas(count_below(images, candidates), total)
    for place, threshold in enumerate(candidates):
        for other, border in enumerate(candidates):
            expected = kappa(confusion_matrix(images.grades, grade(images.scores, threshold, border)))
            if other < place:
                assert kappas[place, other] == -np.inf
            elif np.isfinite(expected):
                assert kappas[place, other] == pytest.approx(expected, abs=1e-9)


def test_the_borders_of_a_reader_are_found():
    random = np.random.default_rng(0)
    labelled = draw(random, 400, threshold=3, border=10, noise=0.3)
    run = Scored(labelled.scores, grade(labelled.scores, 6, 7))
    borders = fit_borders(labelled, run, seed=0)
    assert (borders.threshold, borders.border) == (pytest.approx(3, abs=0.4), pytest.approx(10, abs=0.6))
    assert (borders.thresholds <= borders.borders).all()
    again = fit_borders(labelled, run, seed=0)
    assert np.array_equal(again.thresholds, borders.thresholds)


def test_few_labels_are_held_near_the_grades_of_the_run():
    random = np.random.default_rng(1)
    labelled = draw(random, 40, threshold=3, border=10, noise=0.3)
    distances = []
    for threshold in (3, 6):
        scores = random.gamma(2, 3, 500)
        borders = fit_borders(labelled, Scored(scores, grade(scores, threshold, 10)), seed=0)
        distances.append(borders.threshold)
    assert distances[0] < distances[1]


def test_the_agreement_to_expect_is_that_with_new_images():
    expected, found = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        reader = {"threshold": 3, "border": 10, "noise": 2.0}
        labelled, fresh = draw(random, 60, **reader), draw(random, 2000, **reader)
        run = Scored(fresh.scores, grade(fresh.scores, 6, 7))
        expected.append(cross_validate(labelled, grade(labelled.scores, 6, 7), run, seed=0))
        borders = fit_borders(labelled, run, seed=0)
        found.append(kappa(confusion_matrix(fresh.grades, borders.grade(fresh.scores))))
    assert np.mean([one.after.value for one in expected]) == pytest.approx(np.mean(found), abs=0.06)
    assert all(one.gains for one in expected)
    assert all(one.after.low < one.after.value < one.after.high for one in expected)


def test_a_run_that_agrees_already_has_nothing_to_gain():
    labelled = draw(np.random.default_rng(0), 60, threshold=3, border=10, noise=0.0)
    assert not cross_validate(labelled, labelled.grades, labelled, seed=0).gains
