"""The formulas of low-quality modules, compared with scipy and numpy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import uniform_filter
from scipy.spatial.distance import cdist, mahalanobis
from torch.nn.functional import avg_pool2d

from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.lowquality import gaussian
from unoqa.lowquality.gaussian import Gaussian
from unoqa.lowquality.padim import Padim, pack_triangles, unpack_triangles
from unoqa.lowquality.parts.coreset import choose_coreset
from unoqa.lowquality.parts.fibres import average_grid, join_scales, smooth, to_fibres
from unoqa.lowquality.parts.moments import SMALLEST_STD, Moments
from unoqa.lowquality.parts.pooling import pool, score_maps
from unoqa.lowquality.patchcore import Patchcore
from unoqa.lowquality.signed import Signed

CPU = torch.device("cpu")


def vectors(count=40, channels=5, seed=0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, channels)) @ random.normal(size=(channels, channels))).astype(np.float32)


def as_set(values, directions=()):
    """Return a feature set of images with one place each."""
    scale = Scale("tiles", tuple("abcdefgh"[: values.shape[1]]), directions)
    return FeatureSet((scale,), (values[:, :, None, None],), np.arange(len(values)), CPU)


def as_pyramid(values):
    return FeaturePyramid((torch.from_numpy(values)[:, :, None, None],))


@pytest.mark.parametrize("shrinkage", [0.0, 0.01, 0.5])
def test_gaussian_is_scipys_mahalanobis_of_standardised_channels(shrinkage):
    training, seen = vectors(), vectors(6, seed=1)
    shrunk = (1 - shrinkage) * np.corrcoef(training.T.astype(np.float64)) + shrinkage * np.eye(5)
    deviations = (seen - training.mean(axis=0)) / training.std(axis=0)
    expected = [mahalanobis(vector, np.zeros(5), np.linalg.inv(shrunk)) / 5**0.5 for vector in deviations]
    fitted = Gaussian(shrinkage=shrinkage).fit(as_set(training), seed=0)
    np.testing.assert_allclose(fitted.predict(as_pyramid(seen)).maps[0].flatten(), expected, rtol=1e-3)


@pytest.mark.parametrize("side", [1, 3, 4, 15, 99])
def test_neighbours_are_averaged_as_by_scipy_and_places_outside_the_grid_do_not_count(side):
    grid = np.random.default_rng(0).normal(size=(2, 3, 20, 10)).astype(np.float32)
    odd = side // 2 * 2 + 1
    inside, total = (
        uniform_filter(values, (odd, odd), mode="constant", axes=(2, 3)) for values in (np.ones(grid.shape), grid)
    )
    np.testing.assert_allclose(smooth(torch.from_numpy(grid), side), total / inside, atol=1e-6)


def test_gaussian_scores_what_it_does_with_neighbours_averaged_in_one_pass(monkeypatch):
    values = np.random.default_rng(0).normal(size=(24, 8, 20, 20)).astype(np.float32)
    scans = FeatureSet((Scale("tiles", tuple("abcdefgh")),), (values,), np.arange(24), CPU)
    module, seen = Gaussian(neighbourhood=15), next(scans.batches(24))
    by_rows_and_columns = module.fit(scans, seed=0).predict(seen).score
    monkeypatch.setattr(gaussian, "smooth", lambda grid, side: avg_pool2d(grid, side, 1, side // 2, False, False))
    in_one_pass = module.fit(scans, seed=0).predict(seen).score
    torch.testing.assert_close(by_rows_and_columns, in_one_pass, atol=1e-6, rtol=0)


def test_gaussian_ignores_deviations_on_the_good_side():
    training = vectors(channels=3)
    mean, up, down = training.mean(axis=0), np.float32([1, 0, 0]), np.float32([0, 1, 0])
    seen = np.stack([mean, mean - up, mean + down, mean + up, mean - down, mean + 2 * up])
    fitted = Gaussian().fit(as_set(training, (1, -1, 0)), seed=0)
    usual, better, brighter, worse, darker, worst = fitted.predict(as_pyramid(seen)).maps[0].flatten().tolist()
    assert max(usual, better, brighter) < 1e-4 < min(worse, darker)
    assert worst == pytest.approx(2 * worse, rel=1e-4)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)),
    st.data(),
)
def test_moments_equal_those_of_numpy_for_any_batches(values, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(values)))))
    moments = Moments.empty(values.shape[1], CPU)
    for part in np.split(values, [cut for cut in cuts if cut < len(values)]):
        moments.add(torch.from_numpy(part))
    assert moments.count == len(values)
    np.testing.assert_allclose(moments.mean, values.mean(axis=0), atol=1e-8)
    covariance = np.atleast_2d(np.cov(values.T, bias=True))
    np.testing.assert_allclose(moments.scatter / len(values), covariance, atol=1e-6)
    np.testing.assert_allclose(moments.std(), np.maximum(values.std(axis=0), SMALLEST_STD), atol=1e-6)


def test_whitening_turns_the_correlation_into_the_identity():
    moments = Moments.empty(5, CPU)
    moments.add(torch.from_numpy(vectors()))
    whitening = moments.correlation_whitening(0.0).numpy()
    correlation = np.corrcoef(vectors().T.astype(np.float64))
    np.testing.assert_allclose(whitening @ correlation @ whitening.T, np.eye(5), atol=1e-3)


def test_padim_on_one_place_is_scipys_mahalanobis():
    training, seen = vectors(), vectors(6, seed=1)
    covariance = np.cov(training.T.astype(np.float64), bias=True) + 0.01 * np.eye(5)
    expected = [mahalanobis(vector, training.mean(axis=0), np.linalg.inv(covariance)) for vector in seen]
    fitted = Padim().fit(as_set(training), seed=0)
    np.testing.assert_allclose(fitted.predict(as_pyramid(seen)).maps[0].flatten(), expected, rtol=5e-3)


def test_patchcore_is_scipys_distance_to_the_nearest_vector_of_its_memory():
    training, seen = vectors(), vectors(6, seed=1)
    fitted = Patchcore(ratio=0.3).fit(as_set(training), seed=0)
    memory = fitted.state()["memory"].float().numpy()
    assert len(memory) == 12
    assert {row.tobytes() for row in memory} <= {row.tobytes() for row in training.astype("f2").astype("f4")}
    expected = cdist(seen, memory).min(axis=1)
    np.testing.assert_allclose(fitted.predict(as_pyramid(seen)).maps[0].flatten(), expected, rtol=1e-3)


@pytest.mark.parametrize("shrinkage", [1e-6, 0.2, 0.9])
def test_patchcore_with_a_shrunk_covariance_is_scipys_mahalanobis_distance(shrinkage):
    training, seen = vectors(), vectors(6, seed=1)
    rounded = training.astype("f2").astype("f8")
    covariance = np.cov(rounded.T, bias=True)
    shrunk = (1 - shrinkage) * covariance + shrinkage * np.diag(covariance).mean() * np.eye(5)
    expected = cdist(seen, rounded, "mahalanobis", VI=np.linalg.inv(shrunk)).min(axis=1)
    fitted = Patchcore(ratio=1, shrinkage=shrinkage).fit(as_set(training), seed=0)
    np.testing.assert_allclose(fitted.predict(as_pyramid(seen)).maps[0].flatten(), expected, rtol=5e-3)


def test_patchcore_with_a_fully_shrunk_covariance_is_the_euclidean_distance_up_to_a_factor():
    training, seen = vectors(), vectors(6, seed=1)
    nearly = Patchcore(ratio=1, shrinkage=1 - 1e-7).fit(as_set(training), seed=0).predict(as_pyramid(seen)).maps[0]
    euclid = Patchcore(ratio=1).fit(as_set(training), seed=0).predict(as_pyramid(seen)).maps[0]
    np.testing.assert_allclose(nearly / nearly.mean(), euclid / euclid.mean(), rtol=5e-3)


def test_signed_counts_deviations_on_the_bad_side_up_to_the_ceiling():
    training = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]], dtype=np.float32)  # mean 2, standard deviation 1
    seen = np.array([[2, 2, 2], [4, 4, 4], [0, 0, 0], [9, 2, 2]], dtype=np.float32)
    directed = Signed(floor=1e-6, ceiling=3.0).fit(as_set(training, (1, -1, 1)), seed=0)
    undirected = Signed(floor=1e-6, ceiling=3.0).fit(as_set(training), seed=0)
    np.testing.assert_allclose(directed.predict(as_pyramid(seen)).score, [0, 4 / 3, 2 / 3, 1], rtol=1e-5)
    np.testing.assert_allclose(undirected.predict(as_pyramid(seen)).score, [0, 2, 2, 1], rtol=1e-5)


points = arrays(np.float32, st.tuples(st.integers(4, 8), st.just(2)), elements=st.integers(-50, 50), unique=False)


@settings(max_examples=50)
@given(points, st.integers(1, 3), st.integers(0, 5))
def test_the_largest_distance_to_the_coreset_is_at_most_twice_the_best(values, size, seed):
    distances = cdist(values, values)
    chosen = choose_coreset(torch.from_numpy(values), size, seed=seed).numpy()
    best = min(distances[:, list(subset)].min(axis=1).max() for subset in combinations(range(len(values)), size))
    assert distances[:, chosen].min(axis=1).max() <= 2 * best + 1e-3


@settings(max_examples=50)
@given(st.integers(2, 60), st.integers(0, 5), st.sampled_from([3, 300]), st.floats(0, 100))
def test_the_coreset_holds_no_vector_twice(size, seed, channels, offset):
    values = torch.from_numpy(vectors(60, channels, seed=1)) + offset
    chosen = choose_coreset(values, size, seed=seed)
    assert len(chosen) == len(set(chosen.tolist())) == size


@pytest.mark.parametrize(
    ("how", "expected"),
    [("mean", 4.5), ("median", 4.0), ("top50", 7.0), ("top25", 8.5), ("top10", 9.0), ("max", 9.0)],
)
def test_each_pool_gives_its_number(how, expected):
    grid = torch.arange(10.0).reshape(1, 2, 5)
    assert float(pool(grid.flip(2), how)) == expected


def test_all_scales_have_the_same_weight_in_the_score():
    maps = (torch.full((1, 4, 4), 2.0), torch.full((1, 1, 1), 8.0))
    assert float(score_maps(maps, "mean").score) == pytest.approx(np.log(4.0), abs=1e-5)


def test_smoothing_averages_the_neighbours_inside_the_grid():
    grid = torch.arange(9.0).reshape(1, 1, 3, 3)
    smoothed = smooth(grid, 3)[0, 0]
    assert float(smoothed[1, 1]) == 4.0
    assert float(smoothed[0, 0]) == (0 + 1 + 3 + 4) / 4
    assert torch.equal(smooth(grid, 1), grid)


@pytest.mark.parametrize("neighbourhood", range(1, 7))
def test_smoothing_keeps_the_shape(neighbourhood):
    assert smooth(torch.ones(2, 3, 5, 4), neighbourhood).shape == (2, 3, 5, 4)


def test_a_grid_is_averaged_by_area_to_the_largest_side():
    grid = torch.arange(32.0).reshape(1, 1, 4, 8)
    assert average_grid(grid, 2)[0, 0].tolist() == [[5.5, 9.5], [21.5, 25.5]]
    assert average_grid(grid, 4).shape == (1, 1, 4, 4)
    assert average_grid(grid, 8) is grid
    assert average_grid(grid, 0) is grid


def test_joined_scales_keep_their_mean():
    fine, coarse = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 2, 2)
    both = join_scales([fine, coarse], (4, 4))
    assert both.shape == (2, 4, 4, 4)
    torch.testing.assert_close(both[:, :3].mean(dim=(2, 3)), fine.mean(dim=(2, 3)))


def test_fibres_are_listed_row_by_row():
    grid = torch.arange(12.0).reshape(1, 2, 2, 3)
    assert to_fibres(grid)[0].tolist() == [[place, place + 6] for place in range(6)]


@given(st.integers(1, 4), st.integers(1, 6))
def test_unpacked_triangles_equal_those_packed(places, side):
    matrices = torch.rand(places, side, side).tril()
    packed = pack_triangles(matrices)
    assert packed.shape == (places, side * (side + 1) // 2)
    assert torch.equal(unpack_triangles(packed, side), matrices)
