"""Our blurring is scipy's."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from unoqa.encoders.measures.parts.blurring import blurred


@pytest.mark.parametrize("sigma", [0.05, 0.7, 1.5, 3.0, 9.6])
@pytest.mark.parametrize("shape", [(64, 64), (20, 33), (5, 5)])
def test_blurring_is_scipys_up_to_the_edges(sigma, shape):
    field = np.random.default_rng(0).random(shape, dtype=np.float32)
    expected = gaussian_filter(field.astype(np.float64), sigma, truncate=3, mode="reflect")
    found = blurred(field, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_field_of_one_value_keeps_it():
    np.testing.assert_allclose(blurred(np.full((40, 40), 0.3, dtype=np.float32), 2.0), 0.3, rtol=1e-6)


def test_the_field_given_is_left_alone():
    field = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    before = field.copy()
    blurred(field, 1.5)
    assert np.array_equal(field, before)
