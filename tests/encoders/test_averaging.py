"""Blurs and running means equal those of scipy."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d

from unoqa.encoders.measures.parts.averaging import blur, running_mean


@pytest.mark.parametrize("sigma", [0.05, 0.7, 1.5, 3.0, 9.6])
@pytest.mark.parametrize("shape", [(64, 64), (20, 33), (5, 5)])
def test_a_blur_equals_scipys_up_to_the_edges(sigma, shape):
    field = np.random.default_rng(0).random(shape, dtype=np.float32)
    expected = gaussian_filter(field.astype(np.float64), sigma, truncate=3, mode="reflect")
    found = blur(field, sigma)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length", [1, 7, 33, 121])
@pytest.mark.parametrize("shape", [(64, 64), (20, 133), (320, 5)])
def test_a_running_mean_equals_scipys_up_to_the_edges(length, axis, shape):
    field = np.random.default_rng(0).random(shape, dtype=np.float32)
    expected = uniform_filter1d(field.astype(np.float64), length, axis=axis, mode="reflect")
    found = running_mean(field, length, axis=axis)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_field_of_one_value_keeps_it():
    np.testing.assert_allclose(blur(np.full((40, 40), 0.3, dtype=np.float32), 2.0), 0.3, rtol=1e-6)


def test_the_field_given_is_not_changed():
    field = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    before = field.copy()
    blur(field, 1.5)
    running_mean(field, 9, axis=1)
    assert np.array_equal(field, before)
