"""Vessel measures find the vessels that were drawn, and damage moves them in their bad direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.phantom.eye import draw_eye
from unoqa.benchmark.phantom.vessels import draw_vessels
from unoqa.core.errors import UsageError
from unoqa.core.features import FeatureSet
from unoqa.core.settings import build
from unoqa.encoders.vessel import IMAGE_CHANNELS, TILE_CHANNELS, Vessel, Vessels, measure_gradients
from unoqa.lowquality.signed import Signed

CPU = torch.device("cpu")
RIDGES = ("sato", "frangi", "meijering")

every_ridge = pytest.mark.parametrize("ridge", RIDGES)


def draw_vessel(slope=0.5, width=1.5, size=160):
    """Draw one bright line of Gaussian profile on grey; return the image and each pixel's distance from the line."""
    down, across = np.indices((size, size))
    distance = (down - 20 - slope * across) / np.hypot(1, slope)
    return (0.3 + 0.5 * np.exp(-0.5 * (distance / width) ** 2)).astype(np.float32), np.abs(distance)


def find_vessels(image, ridge="sato"):
    return Vessels.from_ridges(image, Vessel(ridge=ridge)._filter_ridges(image))


def measure(images):
    tiles, _, whole = Vessel().open(device=CPU).encode(np.stack(images)).scales
    return {
        **{f"tile {name}": tiles[:, place].mean(dim=(1, 2)) for place, name in enumerate(TILE_CHANNELS)},
        **{name: whole[:, place].flatten() for place, name in enumerate(IMAGE_CHANNELS)},
    }


def add_noise(scan, amount=0.15):
    return np.clip(scan + amount * np.random.default_rng(0).standard_normal(scan.shape), 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def scans():
    return [draw_angiogram(np.random.default_rng(seed), size=320) for seed in range(3)]


@every_ridge
def test_a_drawn_vessel_is_found_and_nothing_beside_it(ridge):
    image, distance = draw_vessel()
    found = find_vessels(image, ridge)
    assert found.mask[distance < 0.5].mean() > 0.97
    assert found.mask[distance > 12].mean() < 0.03
    assert found.vesselness[distance < 0.5].mean() > 10 * found.vesselness[distance > 12].mean()


@every_ridge
def test_a_dark_line_is_not_a_vessel(ridge):
    image, distance = draw_vessel()
    assert (
        find_vessels(1 - image, ridge).vesselness[distance < 0.5].mean()
        < 0.1 * find_vessels(image, ridge).vesselness.max()
    )


@every_ridge
def test_vesselness_stands_out_of_noise_where_the_phantom_drew_its_tree(ridge):
    random = np.random.default_rng(3)
    tree = draw_vessels(draw_eye(random), random, size=160)
    found = find_vessels(add_noise(0.2 + 0.6 * tree, 0.05), ridge).vesselness
    assert found[tree > 0.7].mean() > 2 * found[tree < 0.01].mean()


def test_gradients_of_a_plane_equal_its_slope_and_are_fully_coherent():
    down, across = np.indices((64, 64)).astype(np.float32)
    strength, coherence = (field[16:48, 16:48] for field in measure_gradients(0.003 * down + 0.004 * across))
    np.testing.assert_allclose(strength, 0.005, rtol=1e-3)
    np.testing.assert_allclose(coherence, 1, atol=0.03)


def test_gradients_of_noise_are_less_coherent_than_those_of_a_vessel():
    line, distance = draw_vessel(size=320)
    _, of_line = measure_gradients(line)
    _, of_noise = measure_gradients(add_noise(np.full((320, 320), 0.5, np.float32)))
    assert of_noise.mean() < 0.5
    assert of_line[(distance > 1) & (distance < 3)].mean() > 0.9


def test_blur_moves_vesselness_coherence_clarity_and_slenderness_in_their_bad_direction(scans):
    before, after = (
        measure(scans),
        measure([load_damages()["blur"].apply(s, 0.6, np.random.default_rng(0))[0] for s in scans]),
    )
    for name in ("tile coherence", "vesselness", "clarity", "slenderness"):
        assert (after[name] < before[name] - 0.02).all(), name


def test_noise_moves_coherence_and_clarity_in_their_bad_direction(scans):
    before, after = measure(scans), measure([add_noise(scan) for scan in scans])
    for name in ("tile coherence", "clarity"):
        assert (after[name] < before[name] - 0.02).all(), name


def test_dimming_halves_vesselness_and_clarity_and_does_not_change_ratios(scans):
    before, after = measure(scans), measure([scan / 2 for scan in scans])
    for name in ("vesselness", "clarity"):
        torch.testing.assert_close(after[name], before[name] - np.log(2), atol=0.06, rtol=0)
    for name in ("tile density", "density", "slenderness"):
        torch.testing.assert_close(after[name], before[name], atol=1e-3, rtol=0)


LOST = {
    "vesselness": lambda scan: gaussian_filter(scan, 6),
    "density": lambda scan: gaussian_filter(scan, 6),
    "coherence": lambda scan: add_noise(scan, 0.3),
}


@pytest.mark.parametrize("channel", TILE_CHANNELS)
def test_a_local_measure_is_worst_where_the_vessels_are_lost(channel, scans):
    encoder, place, lost = Vessel().open(device=CPU), TILE_CHANNELS.index(channel), scans[0].copy()
    lost[:140, :140] = LOST[channel](scans[0])[:140, :140]
    before, after = encoder.encode(np.stack([scans[0], lost])).scales[0][:, place]
    assert (before - after)[:8, :8].mean() > (before - after)[10:, 10:].mean() + 0.01


@pytest.fixture(scope="module")
def fitted_on_phantoms():
    encoder = Vessel().open(device=CPU)
    scans = np.stack([draw_angiogram(np.random.default_rng(seed), size=320) for seed in range(10, 18)])
    arrays = tuple(scale.numpy() for scale in encoder.encode(scans).scales)
    return encoder, Signed().fit(FeatureSet(encoder.scales, arrays, np.arange(8), CPU), seed=0)


@pytest.mark.parametrize("damage", ["blink", "blur", "dim"])
def test_signed_scores_a_damaged_phantom_above_the_same_phantom(damage, scans, fitted_on_phantoms):
    encoder, fitted = fitted_on_phantoms
    damaged = [load_damages()[damage].apply(scan, 0.8, np.random.default_rng(1))[0] for scan in scans]
    before, after = (fitted.predict(encoder.encode(np.stack(some))).score for some in (scans, damaged))
    assert (after > before).all()


@every_ridge
@pytest.mark.parametrize("size", [64, 97, 320])
def test_the_grids_have_their_shape_at_every_size(ridge, size):
    encoder = Vessel(ridge=ridge).open(device=CPU)
    pyramid = encoder.encode(draw_angiogram(np.random.default_rng(0), size=size)[None])
    assert [tuple(scale.shape) for scale in pyramid.scales] == [(1, 3, 20, 20), (1, 6, 20, 20), (1, 4, 1, 1)]
    assert [len(scale.channels) for scale in encoder.scales] == [3, 6, 4]
    assert all(torch.isfinite(scale).all() for scale in pyramid.scales)


@every_ridge
@pytest.mark.parametrize("image", [np.zeros((96, 96)), np.ones((96, 96)), np.eye(96), np.eye(96)[:, ::-1] * 1e-4])
def test_a_strange_image_gives_finite_numbers(ridge, image):
    pyramid = Vessel(ridge=ridge).open(device=CPU).encode(image[None].astype(np.float32))
    assert all(torch.isfinite(scale).all() for scale in pyramid.scales)


def test_an_image_has_the_same_features_alone_as_in_company(scans):
    encoder = Vessel().open(device=CPU)
    company, alone = encoder.encode(np.stack(scans)), encoder.encode(scans[1][None])
    assert all(torch.equal(one[0], many[1]) for one, many in zip(alone.scales, company.scales, strict=True))
    assert (encoder.checksum, encoder.state()) == ("", {})


def test_an_unknown_ridge_filter_is_refused():
    with pytest.raises(UsageError) as caught:
        build(Vessel, {"ridge": "hessian"}, "encoder 'vessel'")
    assert str(caught.value) == (
        "Setting 'ridge' of encoder 'vessel' is 'hessian': input should be 'sato', 'frangi' or 'meijering'."
    )
