"""Whether one set of images is of two populations."""

from __future__ import annotations

import numpy as np
import pytest

from unoqa.grader.groups import find_groups

NUMBERS = 36


def draw(images, seed, *, of_second=0, apart=0.0, common=0.5):
    """Draw correlated numbers of images, those of the second population moved in every number."""
    generator = np.random.default_rng(seed)
    quality = generator.normal(size=(images, 1))
    values = common * quality + generator.normal(size=(images, NUMBERS))
    values[:of_second] += apart * np.sign(np.random.default_rng(0).normal(size=NUMBERS))
    return values


@pytest.mark.parametrize("seed", range(5))
def test_images_of_one_population_are_not_divided(seed):
    groups = find_groups(draw(60, seed))
    assert (groups.sizes, groups.describe(["image"] * 60)) == ((), ())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_two_populations_are_found_and_their_images_named(share):
    of_second = round(60 * share)
    groups = find_groups(draw(60, 1, of_second=of_second, apart=2.0))
    assert groups.sizes == (of_second, 60 - of_second)
    (sentence,) = groups.describe([f"{number}.png" for number in range(60)])
    assert sentence == (
        f"The images fall into two groups, of {of_second} (0.png, 1.png, …) and {60 - of_second} ({of_second}.png, "
        f"{of_second + 1}.png, …): two devices, or two ways of export? A model is for one of them; fit each alone."
    )


@pytest.mark.parametrize("values", [draw(60, 1, of_second=3, apart=4.0), draw(19, 1, of_second=9, apart=4.0)])
def test_a_few_odd_images_are_no_population_and_few_images_are_not_divided(values):
    assert find_groups(values).sizes == ()


def test_numbers_that_are_all_alike_do_not_count():
    assert find_groups(np.ones((60, NUMBERS))).sizes == ()
