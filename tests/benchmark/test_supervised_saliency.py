"""Unusual parts are salient, as Hou and Zhang claim; repeated patterns and brightness are not."""

from __future__ import annotations

import numpy as np
import pytest

from unoqa.benchmark.supervised.parts.saliency import compute_saliency_features, compute_saliency_map

SIZE = 320


def draw_bars(odd, seed):
    """Return 8×8 vertical bars at irregular distances in a little noise; the bar at `odd` is horizontal."""
    random = np.random.default_rng(seed)
    pixels = random.normal(0.2, 0.02, size=(SIZE, SIZE))
    for place in np.ndindex(8, 8):
        row, column = np.rint(40 * np.array(place) + 20 + random.uniform(-4, 4, size=2)).astype(int)
        high, wide = (3, 12) if place == odd else (12, 3)
        pixels[row - high : row + high, column - wide : column + wide] += 0.6
    return pixels


def draw_stripes():
    """Return 16 waves across the image in a little noise."""
    wave = np.sin(2 * np.pi * np.arange(SIZE) / 20)
    return 0.5 + 0.3 * wave + np.random.default_rng(0).normal(0, 0.02, size=(SIZE, SIZE))


def find_most_salient(pixels, places):
    """Return the row and column of the highest saliency in a grid of places."""
    found = compute_saliency_map(pixels)
    return tuple(int(index) * places // 64 for index in np.unravel_index(found.argmax(), found.shape))


def test_the_one_horizontal_bar_among_vertical_ones_is_most_salient():
    odd = [tuple(place) for place in np.random.default_rng(0).integers(0, 8, size=(20, 2)).tolist()]
    found = [find_most_salient(draw_bars(place, seed), 8) for seed, place in enumerate(odd)]
    assert sum(one == other for one, other in zip(found, odd, strict=True)) >= 18


def test_stripes_alone_are_not_salient_anywhere():
    inner = compute_saliency_map(draw_stripes())[5:-5, 5:-5]  # at the map's edges smoothing has pixels on one side only
    assert inner == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("row", "column"), [(100, 240), (20, 40), (280, 140)])
def test_a_lone_spot_in_noise_is_most_salient(row, column):
    pixels = np.random.default_rng(0).normal(0.5, 0.03, size=(SIZE, SIZE))
    pixels[row : row + 20, column : column + 20] += 0.4
    assert find_most_salient(pixels, 16) == (row // 20, column // 20)


@pytest.mark.parametrize("brightness", [0.01, 0.5, 100.0])
def test_brightness_does_not_matter(brightness, good_scan):
    pixels = good_scan.astype(np.float64)
    assert compute_saliency_map(pixels * brightness) == pytest.approx(compute_saliency_map(pixels), rel=1e-6)


@pytest.mark.parametrize("turn", [np.fliplr, np.flipud, np.transpose])
def test_a_flipped_image_has_the_flipped_map(turn, good_scan):
    assert compute_saliency_map(turn(good_scan)) == pytest.approx(turn(compute_saliency_map(good_scan)), rel=1e-6)


@pytest.mark.parametrize("larger", [2, 3])
def test_the_same_image_at_another_size_has_the_same_map(larger, good_scan):
    enlarged = np.kron(good_scan, np.ones((larger, larger)))
    assert compute_saliency_map(enlarged) == pytest.approx(compute_saliency_map(good_scan), rel=1e-6)


def test_a_size_that_64_does_not_divide_has_nearly_the_same_map(good_scan):
    resampled = np.kron(good_scan, np.ones((5, 5))).reshape(400, 4, 400, 4).mean(axis=(1, 3))
    pair = [compute_saliency_map(pixels).ravel() for pixels in (good_scan, resampled)]
    assert np.corrcoef(pair)[0, 1] > 0.95


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_uniform_image_has_finite_features(value):
    assert np.isfinite(compute_saliency_features(np.full((80, 80), value))).all()


def test_the_features_are_means_of_tiles_and_quantiles(good_scan):
    found, features = compute_saliency_map(good_scan), compute_saliency_features(good_scan)
    assert features.shape == (22,)
    assert features[0] == pytest.approx(found[:16, :16].mean())
    assert features[7] == pytest.approx(found[16:32, 48:].mean())
    assert features[18] == pytest.approx(np.median(found))
    assert features[:16].mean() == pytest.approx(1)


def test_a_black_corner_is_the_tile_that_loses_most(good_scan):
    covered = good_scan.copy()
    covered[:80, 240:] = 0
    kept = compute_saliency_features(covered)[:16] / compute_saliency_features(good_scan)[:16]
    assert kept.argmin() == 3
