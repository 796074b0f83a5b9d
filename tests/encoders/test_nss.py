"""Scene statistics follow the published formulas, and damage changes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import gamma
from scipy.stats import gennorm

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.core.errors import UsageError
from unoqa.core.settings import build
from unoqa.encoders.nss import CHANNELS, Nss, describe_patches, normalise_contrast
from unoqa.encoders.parts.generalised_gaussian import fit_asymmetric, fit_symmetric, solve_shape

CPU = torch.device("cpu")


def fit_one_shape(sample):
    return fit_symmetric(np.abs(sample).mean(keepdims=True), np.square(sample).mean(keepdims=True))


def fit_two_sides(sample):
    sides = [np.sqrt(np.square(side).mean(keepdims=True)) for side in (sample[sample < 0], sample[sample >= 0])]
    return fit_asymmetric(np.abs(sample).mean(keepdims=True), np.square(sample).mean(keepdims=True), *sides)


def sample_asymmetric(shape, left, right, count=200_000):
    """Sample from Lasmar's density: half a generalised Gaussian on each side, as probable as its scale is large."""
    random = np.random.default_rng(0)
    sizes = np.abs(gennorm.rvs(shape, size=count, random_state=random))
    return np.where(random.random(count) < left / (left + right), -left * sizes, right * sizes)


@pytest.mark.parametrize("scale", [0.02, 1.0])
@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_shape_and_scale_are_those_of_scipys_samples(shape, scale):
    sample = gennorm.rvs(shape, scale=scale, size=200_000, random_state=np.random.default_rng(0))
    found = [float(number[0]) for number in fit_one_shape(sample)]
    assert found == pytest.approx([shape, scale], rel=0.03)


@pytest.mark.parametrize(("left", "right"), [(0.5, 0.5), (0.2, 0.6), (3.0, 1.0)])
@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0])
def test_both_sides_of_an_asymmetric_sample_are_found(shape, left, right):
    sample = sample_asymmetric(shape, left, right)
    found_shape, mean, found_left, found_right = (float(number[0]) for number in fit_two_sides(sample))
    assert (found_shape, found_left, found_right) == pytest.approx((shape, left, right), rel=0.05)
    assert mean == pytest.approx(sample.mean(), abs=0.02 * (left + right) * gamma(2 / shape) / gamma(1 / shape))


def test_the_moments_of_laplace_gauss_and_uniform_give_their_shapes():
    ratios = np.array([1 / 2, 2 / np.pi, 3 / 4])
    shapes = [1, 2, 10]  # that of the uniform distribution is infinite
    np.testing.assert_allclose(solve_shape(ratios), shapes, atol=1e-3)


def test_a_sample_of_zeros_or_of_one_side_gives_finite_numbers():
    nothing, one = np.zeros(1), np.ones(1)
    assert np.isfinite([*fit_symmetric(nothing, nothing), *fit_asymmetric(nothing, nothing, nothing, nothing)]).all()
    assert np.isfinite([*fit_asymmetric(one, one, nothing, one), *fit_asymmetric(one, one, one, nothing)]).all()


def test_a_coefficient_equals_the_papers_formula_on_256_grey_values(good_scan):
    row, column, grey = 100, 37, 255.0 * good_scan.astype(np.float64)
    across = np.arange(-3, 4)
    window = np.exp(-(across[:, None] ** 2 + across**2) / (2 * (7 / 6) ** 2))
    around, weights = grey[row - 3 : row + 4, column - 3 : column + 4], window / window.sum()
    mean = (weights * around).sum()
    deviation = np.sqrt((weights * (around - mean) ** 2).sum())
    coefficients, deviations = normalise_contrast(good_scan.astype(np.float64))
    assert coefficients[row, column] == pytest.approx((grey[row, column] - mean) / (deviation + 1), rel=1e-9)
    assert 255 * deviations[row, column] == pytest.approx(deviation, rel=1e-9)


def test_weak_gaussian_noise_has_a_gaussians_shape_at_both_sizes():
    noise = 0.5 + 2e-4 * np.random.default_rng(0).standard_normal((320, 320))
    features, _ = describe_patches(noise, 160)
    shapes = features[[CHANNELS.index("full_shape"), CHANNELS.index("half_shape")]]
    np.testing.assert_allclose(shapes, 2, atol=0.1)


def test_each_neighbour_is_the_one_that_its_name_says():
    stripes = np.tile(np.sin(2 * np.pi * np.arange(64) / 4), (64, 1)) / 4 + 0.5  # changes across, not down
    features, _ = describe_patches(stripes, 64)
    left, right = (
        {way: features[CHANNELS.index(f"full_{way}_{side}")].item() for way in ("horizontal", "vertical")}
        for side in ("left", "right")
    )
    assert left["vertical"] < 1e-6
    assert right["vertical"] > 0.1
    assert left["horizontal"] + right["horizontal"] < 1e-3  # a crest or trough stands beside a zero


@pytest.mark.parametrize(
    ("shape", "patch", "grid"),
    [((320, 320), 40, (8, 8)), ((320, 320), 32, (10, 10)), ((100, 131), 32, (3, 4)), ((65, 65), 96, (1, 1))],
)
def test_an_image_has_as_many_places_as_complete_patches(shape, patch, grid):
    image = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    encoder = Nss(patch=patch).open(device=CPU)
    shapes = [tuple(scale.shape) for scale in encoder.encode(image).scales]
    assert shapes == [(2, len(encoder.scales[0].channels), *grid), (2, 1, *grid)]
    assert len(encoder.scales[0].channels) == 36


@pytest.mark.parametrize("image", [np.zeros((320, 320)), np.ones((320, 320)), np.eye(320), np.round(np.eye(64))])
def test_a_strange_image_gives_finite_numbers(image):
    pyramid = Nss().open(device=CPU).encode(image[None].astype(np.float32))
    assert all(torch.isfinite(scale).all() for scale in pyramid.scales)


def test_a_patch_depends_on_its_surround_only(good_scan):
    darkened = good_scan.copy()
    darkened[:120, :120] *= 0.1
    (before, sharp), (after, dim) = describe_patches(good_scan, 40), describe_patches(darkened, 40)
    assert np.array_equal(before[:, 4:, 4:], after[:, 4:, 4:])
    assert (dim[0, :3, :3] < 0.5 * sharp[0, :3, :3]).all()


def test_an_image_has_the_same_features_alone_as_in_company():
    encoder = Nss().open(device=CPU)
    scans = np.stack([draw_angiogram(np.random.default_rng(seed), size=160) for seed in range(3)])
    company, alone = encoder.encode(scans), encoder.encode(scans[1][None])
    assert all(torch.equal(one[0], many[1]) for one, many in zip(alone.scales, company.scales, strict=True))
    assert (encoder.checksum, encoder.state()) == ("", {})


def test_an_odd_patch_is_refused():
    with pytest.raises(UsageError) as caught:
        build(Nss, {"patch": 33}, "encoder 'nss'")
    assert str(caught.value) == "Setting 'patch' of encoder 'nss' is 33: input should be a multiple of 2."
