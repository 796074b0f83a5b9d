"""Continuation of neighbouring lines, by direct sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from unoqa.encoders.measures.parts.displacement import correlate_neighbours, measure_displacement, standardise_details


@pytest.mark.parametrize("width", [64, 101, 320, 400])
def test_correlations_are_the_mean_products_of_the_overlap(width):
    details = np.random.default_rng(width).standard_normal((4, width))
    longest = round(width / 7)
    shifts = np.arange(-longest, longest + 1)
    found = correlate_neighbours(details, shifts)
    for pair in range(3):
        for column, shift in enumerate(shifts):
            first, second = details[pair], details[pair + 1]
            overlap = (first[: width - shift], second[shift:]) if shift >= 0 else (first[-shift:], second[:shift])
            assert found[pair, column] == pytest.approx(np.mean(overlap[0] * overlap[1]), abs=1e-10)


def test_details_have_no_mean_and_are_clipped():
    lines = np.random.default_rng(0).random((8, 200)).astype(np.float32)
    details = standardise_details(lines + np.linspace(0, 5, 200, dtype=np.float32))
    assert np.abs(details).max() <= 3.0
    np.testing.assert_allclose(details.mean(axis=1), 0, atol=0.05)
    np.testing.assert_allclose(details.std(axis=1), 1, atol=0.1)


@pytest.mark.parametrize("width", [20, 101, 320, 1024])
def test_details_are_those_between_two_gaussian_filters(width):
    lines = np.random.default_rng(width).random((6, width)).astype(np.float32)
    band = gaussian_filter1d(lines, 0.7, axis=1) - gaussian_filter1d(lines, 8.0, axis=1)
    centred = band - band.mean(axis=1, keepdims=True)
    expected = np.clip(centred / centred.std(axis=1, keepdims=True), -3, 3)
    np.testing.assert_allclose(standardise_details(lines), expected, atol=1e-5)


@pytest.mark.parametrize("size", [300, 301, 320])
def test_a_seam_is_found_where_it_is_at_every_size(size):
    rng = np.random.default_rng(1)
    vessels = np.repeat(rng.random((1, size)), size, axis=0)
    image = (vessels + 0.05 * rng.standard_normal((size, size))).astype(np.float32)
    image[size // 2 :] = np.roll(image[size // 2 :], 24, axis=1)
    grid = measure_displacement(image, axis=0)
    assert set(np.flatnonzero(grid[:, 0] > 0.3)) <= {9, 10}
    assert grid.max() > 0.3
    np.testing.assert_array_equal(measure_displacement(image.T.copy(), axis=1), grid.T)
