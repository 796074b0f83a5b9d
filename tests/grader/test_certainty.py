"""Certainty is the probability that other images of the same kind would lead to the same grade."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unoqa.clusterings.gmm import Gmm
from unoqa.clusterings.kmeans import Kmeans
from unoqa.core.assessment import Assessment
from unoqa.core.grading import Grade
from unoqa.grader.certainty import DRAWS, draw_borders, draw_thresholds, find_certainty
from unoqa.grader.cohort import FittedThreshold, grade_cohort, grade_settled
from unoqa.grader.cross_fitting import measure_spread
from unoqa.grader.split import Split
from unoqa.reductions.none import NoReduction
from unoqa.thresholds.conformal import Conformal
from unoqa.thresholds.fixed import Fixed

SPLIT = Split("score", NoReduction(), Kmeans())


def outstanding(random, count=60):
    return random.normal(0, 1, count)


def cohort(random, count=200):
    """Return scores of a cohort: a third outstanding, the others of two overlapping kinds."""
    kinds = [random.normal(0, 1, count), random.normal(4, 1.5, count), random.normal(11, 3, count)]
    return np.choose(random.integers(3, size=count), kinds)


def assess(scores, spread=0.0):
    return [
        Assessment(f"{place}.png", float(score), point=np.array([score]), spread=spread)
        for place, score in enumerate(scores)
    ]


def settle(random, count=200):
    threshold = FittedThreshold.fit(Conformal(), outstanding(random), seed=0)
    return threshold, grade_cohort(assess(cohort(random, count)), threshold, SPLIT, seed=0)[1]


def test_certainty_is_how_often_other_images_lead_to_the_same_grade():
    certainties, same = [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        images = assess(cohort(random, 100))
        one, other = (grade_settled(images, *settle(random)).gradings for _ in range(2))
        certainties += [grading.certainty for grading in one]
        same += [first.grade is second.grade for first, second in zip(one, other, strict=True)]
    certainties, same = np.array(certainties), np.array(same)
    assert certainties.mean() == pytest.approx(same.mean(), abs=0.02)
    bins = (certainties * 10).astype(int)
    errors = [abs(certainties[bins == one].sum() - same[bins == one].sum()) for one in np.unique(bins)]
    assert sum(errors) / len(same) < 0.03  # expected calibration error
    assert (same[certainties < 0.75]).mean() < 0.75


def test_a_small_cohort_makes_its_split_less_certain():
    small, large = (
        np.mean([grading.certainty for grading in grade_settled(assess(np.linspace(5, 9, 50)), *settled).gradings])
        for settled in (settle(np.random.default_rng(1), count) for count in (40, 2000))
    )
    assert small < large - 0.05


def test_the_threshold_itself_is_a_coin_toss_and_what_is_far_is_sure():
    random = np.random.default_rng(0)
    threshold, split = settle(random)
    near, good, poor = grade_settled(assess(np.array([threshold.value, -3.0, 40.0])), threshold, split).gradings
    assert near.certainty == pytest.approx(0.5, abs=0.15)
    assert near.unsure
    assert (good.certainty, good.unsure) == (pytest.approx(1.0), False)
    assert (poor.certainty, poor.unsure) == (pytest.approx(1.0), False)


@settings(deadline=None, max_examples=50)
@given(st.floats(-50, 50), st.floats(0, 5))
def test_the_three_grades_share_what_is_certain(score, spread):
    random = np.random.default_rng(2)
    thresholds, borders = random.normal(2, 0.5, DRAWS), random.normal(8, 1, DRAWS)
    found = [find_certainty(grade, score, score, spread, thresholds, borders) for grade in Grade]
    assert min(found) >= 0
    assert sum(found) == pytest.approx(1, abs=1e-9)


def test_a_score_that_depends_on_the_fitted_images_is_less_certain():
    found = [find_certainty(Grade.OUTSTANDING, 0.0, 0.0, spread, [1.0], []) for spread in (0.0, 0.5, 1.0, 5.0)]
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.5, abs=0.1)


def test_the_spread_is_the_standard_error_of_a_mean():
    random = np.random.default_rng(0)
    parts = random.normal(0, 1, (2000, 5, 10))
    without = [[np.delete(one, fold, axis=0).mean() for fold in range(5)] for one in parts]
    spreads = np.array([measure_spread(one) for one in without])
    assert np.sqrt(np.mean(spreads**2)) == pytest.approx(1 / np.sqrt(50), rel=0.05)
    assert measure_spread([3.0]) == 0


def test_a_border_lies_between_the_means_that_have_the_least_squared_distance():
    scores = np.random.default_rng(0).uniform(3, 9, 12)
    borders = draw_borders(scores, scores, np.full(DRAWS, 2.0), apart=0.0, fewest=10, seed=0)
    random = np.random.default_rng(0)
    counts = random.multinomial(12, random.dirichlet(np.ones(12), size=DRAWS))
    for border, count in zip(borders, counts, strict=True):
        drawn = np.repeat(np.sort(scores), count)
        halves = [(drawn[:cut], drawn[cut:]) for cut in range(1, 12)]
        low, high = min(halves, key=lambda pair: sum(len(half) * half.var() for half in pair))
        assert border == pytest.approx((low.mean() + high.mean()) / 2)


def test_the_order_of_the_cohort_and_who_else_is_outstanding_mean_nothing():
    scores = cohort(np.random.default_rng(0))
    thresholds = np.random.default_rng(1).normal(2, 0.2, DRAWS)
    options = {"apart": 1.0, "fewest": 10, "seed": 0}
    borders = draw_borders(scores, scores, thresholds, **options)
    assert draw_borders(scores[::-1], scores[::-1], thresholds, **options) == borders
    more = np.concatenate([scores, np.full(50, -1.0)])
    assert draw_borders(more, more, thresholds, **options) == borders


def test_a_cohort_too_small_to_split_again_gives_no_borders():
    scores = np.linspace(3, 9, 9)
    assert set(draw_borders(scores, scores, np.full(DRAWS, 2.0), apart=0.1, fewest=10, seed=0)) == {np.inf}
    assert find_certainty(Grade.GRADABLE, 5.0, 5.0, 0.1, [2.0], [np.inf]) == 0


def test_a_large_cohort_is_drawn_from_a_part_of_it():
    random = np.random.default_rng(0)
    small, large = (
        np.std(draw_borders(scores, scores, np.full(DRAWS, 2.0), apart=0.0, fewest=10, seed=0))
        for scores in (cohort(random, 1000), cohort(random, 30_000))
    )
    assert large < small / 3


def test_a_threshold_that_is_given_is_the_same_for_other_images():
    scores = outstanding(np.random.default_rng(0))
    assert set(draw_thresholds(Fixed(value=2.5), scores, seed=0)) == {2.5}
    assert np.std(draw_thresholds(Conformal(), scores, seed=0)) > 0.1


def test_images_clustered_by_other_numbers_are_certain_by_where_they_lie_between_the_groups():
    random = np.random.default_rng(0)
    place = np.concatenate([random.normal(3, 0.5, 40), random.normal(9, 0.5, 40), [5.8]])
    images = [
        Assessment(f"{number}.png", float(score), point=np.array([score, 2 * score]))
        for number, score in enumerate(place)
    ]
    threshold = FittedThreshold.fit(Conformal(), outstanding(random), seed=0)
    for clustering in (Kmeans(), Gmm()):
        result, split = grade_cohort(images, threshold, Split("members", NoReduction(), clustering), seed=0)
        assert result.gradings == grade_settled(images, threshold, split).gradings
        certainties = [grading.certainty for grading in result.gradings]
        assert min(certainties[:-1]) > 0.9
        assert certainties[-1] == min(certainties)
