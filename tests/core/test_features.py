"""A set of features is read in order, can be restricted, and copies nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unoqa.core.errors import UsageError
from unoqa.core.features import FeatureSet, Scale, find_scale

SCALES = (Scale("fine", ("a", "b")), Scale("coarse", ("c",)))


def make_numbered(images=7):
    """Return features whose values are the number of their image."""
    numbers = np.arange(images, dtype=np.float32)
    fine = np.broadcast_to(numbers[:, None, None, None], (images, 2, 4, 4))
    coarse = np.broadcast_to(numbers[:, None, None, None] + 0.5, (images, 1, 1, 1)).astype(np.float16)
    return FeatureSet(SCALES, (fine, coarse), np.arange(images), torch.device("cpu"))


def read(features, size=8):
    return [int(image[0, 0, 0]) for pyramid in features.batches(size) for image in pyramid.scales[0]]


@pytest.mark.parametrize("size", [1, 3, 7, 8])
def test_batches_hold_every_image_in_order(size):
    sizes = [len(pyramid) for pyramid in make_numbered().batches(size)]
    assert read(make_numbered(), size) == list(range(7))
    assert max(sizes) == min(size, 7)


@given(st.lists(st.integers(0, 6), min_size=1), st.data())
def test_a_subset_of_a_subset_counts_from_the_first_subset(first, data):
    second = data.draw(st.lists(st.integers(0, len(first) - 1)))
    subset = make_numbered().subset(np.array(first)).subset(np.array(second, dtype=np.int64))
    assert len(subset) == len(second)
    assert read(subset) == [first[position] for position in second]


def test_batches_are_float32_whatever_the_file_holds():
    (pyramid,) = make_numbered().batches()
    assert {scale.dtype for scale in pyramid.scales} == {torch.float32}
    assert pyramid.scales[1].flatten().tolist() == [number + 0.5 for number in range(7)]


def test_a_subset_copies_no_feature():
    features = make_numbered()
    subset = features.subset(np.array([2]))
    assert all(np.shares_memory(a, b) for a, b in zip(subset.arrays, features.arrays, strict=True))


def test_scales_are_selected_by_name_in_the_order_given():
    chosen = make_numbered().select(["coarse", "fine"])
    (pyramid,) = chosen.batches()
    assert [scale.name for scale in chosen.scales] == ["coarse", "fine"]
    assert [tuple(scale.shape) for scale in pyramid.scales] == [(7, 1, 1, 1), (7, 2, 4, 4)]
    assert pyramid.select([1]).scales[0] is pyramid.scales[1]


def test_the_error_for_an_unknown_scale_suggests_the_nearest():
    with pytest.raises(UsageError) as caught:
        find_scale(SCALES, "coarser")
    assert str(caught.value) == (
        "There is no scale of this encoder 'coarser'; did you mean 'coarse'? Known: coarse, fine."
    )
