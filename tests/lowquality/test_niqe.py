"""NIQE's distance equals the published formula, and the module is fitted on sharp patches only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.errors import UsageError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.encoders.nss import Nss
from unoqa.lowquality.niqe import Niqe

CPU = torch.device("cpu")
PATCHES = Scale("patches", ("a", "b", "c"))
SHARPNESS = Scale("sharpness", ("deviation",))


def patches(images=6, *, side=5, seed=0):
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(images, side, side, 3)) @ np.random.default_rng(9).normal(size=(3, 3)) + 2
    return np.ascontiguousarray(mixed.transpose(0, 3, 1, 2)).astype(np.float32)


def as_set(*arrays):
    return FeatureSet((PATCHES, SHARPNESS)[: len(arrays)], arrays, np.arange(len(arrays[0])), CPU)


def as_pyramid(*arrays):
    return FeaturePyramid(tuple(torch.from_numpy(array) for array in arrays))


def rows(array):
    """Return the patches of all images as rows of one array."""
    return array.transpose(0, 2, 3, 1).reshape(-1, array.shape[1]).astype(np.float64)


def distance(first, second):
    """Return the distance by the paper's equation, with scipy's Mahalanobis distance."""
    shared = (np.cov(first.T) + np.cov(second.T)) / 2
    return mahalanobis(first.mean(axis=0), second.mean(axis=0), np.linalg.inv(shared))


def test_the_score_is_scipys_distance_by_the_mean_covariance():
    training, seen = patches(), patches(3, seed=1) * np.float32(1.3)
    score = Niqe().fit(as_set(training), seed=0).predict(as_pyramid(seen)).score
    expected = [distance(rows(training), rows(image[None])) for image in seen]
    np.testing.assert_allclose(score, expected, rtol=1e-4)


def test_equal_gaussians_have_distance_0_and_shifted_ones_the_mahalanobis_distance():
    training = patches(1)
    shifted = training + np.float32([0.5, -1, 2]).reshape(1, 3, 1, 1)
    fitted = Niqe().fit(as_set(training), seed=0)
    equal, apart = (float(fitted.predict(as_pyramid(images)).score[0]) for images in (training, shifted))
    covariance = np.linalg.inv(np.cov(rows(training).T))  # both Gaussians have it, so it is also their mean
    assert equal == pytest.approx(0, abs=1e-4)
    assert apart == pytest.approx(mahalanobis(rows(shifted).mean(0), rows(training).mean(0), covariance), rel=1e-4)


def test_the_map_holds_the_distance_of_each_patch_by_the_same_covariance():
    training, seen = patches(), patches(1, seed=1)
    grid = Niqe().fit(as_set(training), seed=0).predict(as_pyramid(seen)).maps[0][0]
    inverse = np.linalg.inv((np.cov(rows(training).T) + np.cov(rows(seen).T)) / 2)
    expected = [mahalanobis(patch, rows(training).mean(axis=0), inverse) for patch in rows(seen)]
    np.testing.assert_allclose(grid.flatten(), expected, rtol=1e-4)


def test_the_unit_of_a_feature_does_not_matter():
    units = np.float32([1e-3, 1, 1e4]).reshape(1, 3, 1, 1)
    training, seen = patches(seed=2), patches(2, seed=3)
    score = Niqe().fit(as_set(training), seed=0).predict(as_pyramid(seen)).score
    rescaled = Niqe().fit(as_set(units * training), seed=0).predict(as_pyramid(units * seen)).score
    torch.testing.assert_close(score, rescaled, rtol=1e-3, atol=0)


def test_the_module_is_fitted_on_patches_nearly_as_sharp_as_the_sharpest_of_their_image():
    training = patches()
    sharpness = np.random.default_rng(5).random((6, 1, 5, 5)).astype(np.float32) + np.float32(0.1)
    sharp = sharpness >= 0.75 * sharpness.max(axis=(2, 3), keepdims=True)
    module = Niqe(scale="patches", sharpness="sharpness")
    fitted = module.fit(as_set(training, sharpness), seed=0)
    seen = patches(1, seed=1)
    expected = distance(rows(training)[rows(sharp)[:, 0] > 0], rows(seen))
    assert 0.1 < sharp.mean() < 0.6
    assert float(fitted.predict(as_pyramid(seen, sharpness[:1])).score[0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.3])
def test_constant_sharpness_selects_every_patch(level):
    training, even = patches(), np.full((6, 1, 5, 5), level, dtype=np.float32)
    chosen = Niqe(sharpness="sharpness").fit(as_set(training, even), seed=0).state()
    every = Niqe().fit(as_set(training), seed=0).state()
    assert all(torch.equal(chosen[name], every[name]) for name in every)


def test_a_sharpness_scale_of_another_size_is_refused():
    with pytest.raises(UsageError) as caught:
        Niqe(sharpness="sharpness").fit(as_set(patches(), np.ones((6, 1, 1, 1), dtype=np.float32)), seed=0)
    assert str(caught.value) == (
        "Setting 'sharpness' names scale 'sharpness' with 1×1 places, but scale 'patches' has 5×5; name a scale of "
        "that size, or leave the setting empty."
    )


@pytest.mark.parametrize("setting", ["scale", "sharpness"])
def test_the_error_for_an_unknown_scale_names_the_nearest(setting):
    with pytest.raises(UsageError) as caught:
        Niqe(**{setting: "patch"}).fit(as_set(patches()), seed=0)
    assert str(caught.value) == "There is no scale of this encoder 'patch'; did you mean 'patches'? Known: patches."


def test_one_image_of_one_patch_gives_finite_values():
    fitted = Niqe().fit(as_set(patches(1, side=1)), seed=0)
    evidence = fitted.predict(as_pyramid(patches(2, side=1, seed=1)))
    assert torch.isfinite(evidence.score).all()
    assert torch.isfinite(evidence.maps[0]).all()


@pytest.fixture(scope="module")
def fitted_to_phantoms():
    encoder = Nss().open(device=CPU)
    scans = np.stack([draw_angiogram(np.random.default_rng(seed), size=320) for seed in range(12)])
    arrays = tuple(scale.numpy() for scale in encoder.encode(scans).scales)
    features = FeatureSet(encoder.scales, arrays, np.arange(len(scans)), CPU)
    return encoder, Niqe(sharpness="sharpness").fit(features, seed=0)


@pytest.mark.parametrize("damage", ["blur", "contrast", "dim", "noise"])
def test_a_phantom_with_more_damage_scores_higher(damage, fitted_to_phantoms):
    encoder, fitted = fitted_to_phantoms
    scan = draw_angiogram(np.random.default_rng(100), size=320)
    worse = [load_damages()[damage].apply(scan, severity, np.random.default_rng(1))[0] for severity in (0.0, 0.5, 1.0)]
    scores = fitted.predict(encoder.encode(np.stack(worse))).score.tolist()
    assert scores == sorted(scores)
    assert scores[-1] > 1.5 * scores[0]
