"""A conformal threshold keeps its error rate whatever the scores are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from unoqa.core.errors import FitError
from unoqa.thresholds import THRESHOLDS
from unoqa.thresholds.conformal import Conformal
from unoqa.thresholds.fixed import Fixed

every_threshold = pytest.mark.parametrize("name", THRESHOLDS.names())

scores = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60)
"""With ties."""


@every_threshold
@given(scores=st.lists(st.floats(-1e6, 1e6), min_size=60, max_size=80), seed=st.integers(0, 100))
def test_the_order_of_the_images_does_not_matter(name, scores, seed):
    threshold, given_scores = THRESHOLDS.load(name)(), np.array(scores)
    shuffled = np.random.default_rng(seed).permutation(given_scores)
    assert threshold.fit(given_scores) == threshold.fit(shuffled)
    assert np.array_equal(given_scores, np.array(scores))


@every_threshold
def test_the_smallest_number_of_images_is_enough(name):
    threshold = THRESHOLDS.load(name)()
    assert np.isfinite(threshold.fit(np.arange(float(threshold.min_images))))


@given(scores, st.floats(0.02, 0.9))
def test_of_images_held_out_one_by_one_at_most_alpha_are_refused(scores, alpha):
    threshold, all_scores = Conformal(alpha=alpha), np.array(scores)
    assume(len(all_scores) - 1 >= threshold.min_images)
    refused = [score > threshold.fit(np.delete(all_scores, place)) for place, score in enumerate(all_scores)]
    assert np.mean(refused) <= alpha + 1e-9


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_new_images_are_refused_with_probability_alpha(alpha):
    drawn = np.random.default_rng(0).lognormal(size=(4000, 41))
    refused = np.mean([row[-1] > Conformal(alpha=alpha).fit(row[:-1]) for row in drawn])
    assert alpha - 1 / 41 - 0.015 <= refused <= alpha + 0.015


@pytest.mark.parametrize(
    ("images", "alpha", "rank"), [(19, 0.1, 18), (9, 0.1, 9), (99, 0.05, 95), (20, 0.1, 19), (961, 0.1, 866)]
)
def test_the_rank_is_that_of_the_textbook(images, alpha, rank):
    assert Conformal(alpha=alpha).fit(np.arange(1.0, images + 1)) == rank


@pytest.mark.parametrize(("alpha", "min_images"), [(0.1, 9), (0.05, 19), (0.3, 3), (0.5, 1), (0.01, 99), (0.9, 1)])
def test_it_tells_how_many_images_it_needs(alpha, min_images):
    assert Conformal(alpha=alpha).min_images == min_images


def test_too_few_images_are_refused_with_the_number():
    with pytest.raises(FitError) as caught:
        Conformal().fit(np.zeros(8))
    assert str(caught.value) == (
        "A threshold that refuses at most 10% of outstanding images needs at least 9 of them, and there are 8; "
        "give more images or a larger alpha."
    )


def test_a_larger_alpha_gives_a_lower_threshold():
    known = np.random.default_rng(0).normal(size=100)
    thresholds = [Conformal(alpha=alpha).fit(known) for alpha in (0.02, 0.1, 0.3, 0.6)]
    assert thresholds == sorted(thresholds, reverse=True)


def test_a_fixed_threshold_does_not_depend_on_the_scores():
    assert Fixed(value=2.5).fit(np.array([100.0])) == 2.5
