"""CFLOW and FastFlow begin as a Gaussian, learn densities that no Gaussian has, and say when they cannot."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import nn

from unoqa.core.errors import FitError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.flows import fitted as fitted_flows
from unoqa.lowquality.flows.positional_encoding import positional_encoding
from unoqa.lowquality.flows.sampler import FibreSampler, held_out_rows

CPU = torch.device("cpu")
CFLOW = Cflow(neighbourhood=1, blocks=4, code=8, fibres=1000, batch=128, maps="energy")
FASTFLOW = Fastflow(blocks=4, passes=2, maps="energy")

every_flow = pytest.mark.parametrize("module", [CFLOW, FASTFLOW], ids=["cflow", "fastflow"])
every_named_flow = pytest.mark.parametrize(("module", "name"), [(CFLOW, "CFLOW"), (FASTFLOW, "FastFlow")])


def features(values):
    """Make a set of one scale, images × channels × rows × columns."""
    scale = Scale("grid", tuple(f"channel {number}" for number in range(values.shape[1])))
    return FeatureSet((scale,), (values.astype(np.float32),), np.arange(len(values)), CPU)


def correlated(images=20, seed=0):
    """Draw Gaussian fibres of three correlated channels of unlike units."""
    random = np.random.default_rng(seed)
    mixed = np.array([[1, 0, 0], [0.8, 0.5, 0], [20, 10, 30]]) @ random.normal(size=(images, 3, 36))
    return mixed.reshape(images, 3, 6, 6) + np.array([3, -1, 100]).reshape(3, 1, 1)


def log_likelihood(fitted, given):
    """Return ℓ of each place, of maps that hold -log σ(ℓ)."""
    energy = torch.cat([fitted.predict(pyramid).maps[0] for pyramid in given.batches(1)]).double()
    return -torch.log(torch.expm1(energy))


def gaussian(values):
    """Fit a Gaussian as the module `gaussian` does, its correlation shrunk by a hundredth."""
    fibres = values.transpose(0, 2, 3, 1).reshape(-1, values.shape[1])
    spread, correlation = fibres.std(axis=0), np.corrcoef(fibres.T)
    shrunk = 0.99 * correlation + (0.01 + 1e-6) * np.eye(len(spread))
    return multivariate_normal(fibres.mean(axis=0), shrunk * np.outer(spread, spread))


@pytest.mark.parametrize(
    "module", [CFLOW, replace(CFLOW, mixing="rotate"), FASTFLOW], ids=["cflow", "rotated", "fastflow"]
)
def test_half_precision_moves_no_score_by_more_than_a_ten_thousandth(module, monkeypatch):
    settings, outstanding = replace(module, maps="prob", patience=0), features(correlated())
    fitted = settings.fit(outstanding, seed=3)
    (pyramid,) = features(correlated(1, seed=1)).batches(1)
    said = []
    for casting in (lambda device: torch.autocast(device.type, torch.bfloat16), lambda _: nullcontext()):
        monkeypatch.setattr(fitted_flows, "casting", casting)
        said.append(settings.restore(fitted.state(), outstanding.scales).predict(pyramid))
    half, whole = said
    assert not torch.equal(half.maps[0], whole.maps[0])
    assert torch.allclose(half.score, whole.score, rtol=0, atol=1e-4)


def test_a_fibre_loses_as_much_among_more_fibres_than_there_are_places_as_among_fewer():
    asking = CFLOW.fit(features(correlated()), seed=0)._flows["grid"].ask
    drawn = FibreSampler(features(correlated()), CFLOW._smoothed, batch=90, seed=0).at(0)
    few = torch.cat([asking.losses(part, (6, 6)) for part in drawn.parts(30)])
    torch.testing.assert_close(asking.losses(drawn, (6, 6)), few, atol=1e-5, rtol=1e-5)
    assert len(few.unique()) > 36


@every_flow
def test_before_it_learns_a_flow_is_the_gaussian_of_scipy(module):
    fitted = replace(module, rate=1e-30).fit(features(correlated()), seed=3)
    expected = gaussian(correlated()[held_out_rows(20, 0.15, seed=3)[0]])
    density = expected.logpdf(correlated(4, seed=1).transpose(0, 2, 3, 1))
    whole = 3 * log_likelihood(fitted, features(correlated(4, seed=1))) - np.linalg.slogdet(expected.cov)[1] / 2
    np.testing.assert_allclose(whole.numpy(), density, atol=2e-4)


def banana(images, seed):
    """Draw fibres (x, x² + 0.5 e) of standard normal x and e, and the mean of their log-density."""
    x, e = np.random.default_rng(seed).normal(size=(2, images, 8, 8))
    return features(np.stack([x, x**2 + 0.5 * e], axis=1)), -math.log(2 * math.pi * math.e * 0.5)


def by_column(images, seed):
    """Draw fibres whose means are those of their column."""
    noise = np.random.default_rng(seed).normal(size=(images, 2, 8, 8))
    return features(noise + 2 * np.arange(8) * np.array([1, -1]).reshape(2, 1, 1)), -math.log(2 * math.pi * math.e)


def by_neighbour(images, seed):
    """Draw fibres whose second channel repeats the first one of the place to the left, which the first column lacks."""
    first, noise = np.random.default_rng(seed).normal(size=(2, images, 8, 8))
    second = np.roll(first, 1, axis=2) + 0.2 * noise
    spread = (7 * math.log(0.2) + math.log(1.04) / 2) / 8
    return features(np.stack([first, second], axis=1)), -math.log(2 * math.pi * math.e) - spread


QUICK_CFLOW = replace(CFLOW, code=32, fibres=30_000, batch=256, rate=0.03, patience=0)
QUICK_FASTFLOW = replace(FASTFLOW, width=8, passes=20, rate=0.03, patience=0)


@pytest.mark.parametrize(
    ("module", "known"),
    [(QUICK_CFLOW, banana), (QUICK_CFLOW, by_column), (QUICK_FASTFLOW, by_neighbour)],
    ids=["cflow-banana", "cflow-by-column", "fastflow-by-neighbour"],
)
def test_a_flow_learns_most_of_what_the_gaussian_does_not_know_of_a_density(module, known):
    (given, truth), (unseen, _) = known(40, seed=0), known(40, seed=1)
    start = gaussian(given.arrays[0])
    before = start.logpdf(unseen.arrays[0].transpose(0, 2, 3, 1)).mean()
    per_channel = float(log_likelihood(module.fit(given, seed=0), unseen).mean())
    after = 2 * per_channel - np.linalg.slogdet(start.cov)[1] / 2
    assert before + 0.75 * (truth - before) < after < truth + 0.03


@pytest.mark.parametrize(
    ("module", "known"),
    [(replace(QUICK_CFLOW, fibres=6400), banana), (replace(QUICK_FASTFLOW, passes=2), by_neighbour)],
    ids=["cflow", "fastflow"],
)
def test_images_held_out_only_end_the_learning(module, known):
    """Others of the same density, by which learning gains alike, leave what was learned as it is."""
    (given, _), (other, _) = known(40, seed=0), known(40, seed=1)
    held_out = held_out_rows(40, 0.15, seed=0)[1]
    exchanged = given.arrays[0].copy()
    exchanged[held_out] = other.arrays[0][held_out]
    for patience, same in ((4, True), (0, False)):
        settings = replace(module, patience=patience)
        first, second = (settings.fit(one, seed=0).state() for one in (given, features(exchanged)))
        assert all(torch.equal(first[name], second[name]) for name in first) is same


@every_flow
def test_the_same_place_of_an_image_is_as_likely_whatever_the_grid_has_beside_it_in_the_batch(module):
    fitted, given = module.fit(features(correlated()), seed=0), features(correlated(7, seed=2))
    together, (latent,) = (ask(next(given.batches(7))) for ask in (fitted.predict, fitted.latents))
    for row, pyramid in enumerate(given.batches(1)):
        assert torch.equal(fitted.predict(pyramid).maps[0][0], together.maps[0][row])
        assert torch.equal(fitted.latents(pyramid)[0][0], latent[row])


@every_flow
def test_a_grid_of_another_size_is_scored_too(module):
    fitted, values = module.fit(features(correlated()), seed=0), correlated(2, seed=2)
    smaller = next(features(values[:, :, :3, :5]).batches(2))
    before, between, after = (
        fitted.predict(pyramid).maps[0] for pyramid in (smaller, next(features(values).batches(2)), smaller)
    )
    assert (before.shape, between.shape) == ((2, 3, 5), (2, 6, 6))
    assert torch.equal(before, after)


@pytest.mark.parametrize("mixing", ["deal", "rotate"])
def test_cflow_is_what_freia_makes_of_its_weights(mixing):
    freia = pytest.importorskip("FrEIA.modules")
    module = replace(QUICK_CFLOW, mixing=mixing, fibres=5000)
    fitted, given = module.fit(features(correlated()), seed=0), features(correlated(1, seed=2))
    state = {name.removeprefix("grid."): array for name, array in fitted.state().items()}
    fibres = next(given.batches(1)).scales[0][0].flatten(1).T
    z = (fibres - state["whitening.mean"]) @ state["whitening.matrix"].T
    total = torch.zeros(len(z))
    for number in range(module.blocks):
        block = {name.removeprefix(f"_blocks.{number}."): one.float() for name, one in state.items()}
        z, logarithm = freia_block(freia, block, z, positional_encoding(6, 6, module.code))
        total = total + logarithm
    expected = (torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1) + total) / 3
    pyramid = next(given.batches(1))
    torch.testing.assert_close(fitted.latents(pyramid)[0][0].flatten(1).T, z, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(log_likelihood(fitted, given)[0].flatten().float(), expected, atol=1e-4, rtol=1e-4)


def freia_block(freia, block, z, code):
    """Run FrEIA's block with the weights of ours, between two permutations that bring its halves to their places."""
    order = torch.cat([block["reads"], block["changes"]]).long()
    joint = torch.cat([block["subnet.fibre.weight"], block["subnet.place.weight"]], dim=1)
    first, last = (
        linear(joint, block["subnet.fibre.bias"]),
        linear(block["subnet.last.weight"], block["subnet.last.bias"]),
    )
    subnet = nn.Sequential(first, nn.ReLU(), last)
    theirs = freia.AllInOneBlock([(len(order),)], [(code.shape[1],)], lambda *_: subnet, affine_clamping=1.9)
    theirs.global_scale.data = block["gain"][order][None]
    theirs.global_offset.data = block["offset"][order][None]
    theirs.w_perm.data = torch.eye(len(order))[:, order]
    encode_rotated = z @ block["rotation"].T if "rotation" in block else z
    with torch.no_grad():
        (out,), logarithm = theirs([encode_rotated[:, order]], [code])
    return out, logarithm


def linear(weight, bias):
    layer = nn.Linear(*weight.T.shape)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def refusal(module, given):
    with pytest.raises(FitError) as caught:
        module.fit(given, seed=0)
    return str(caught.value)


@every_named_flow
def test_one_channel_is_too_few(module, name):
    assert refusal(module, features(correlated()[:, :1])) == (
        f"{name} takes at least 2 channels, and scale 'grid' has 1; choose another encoder."
    )


@every_flow
@pytest.mark.parametrize("start", ["gaussian", "standard"])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(module, start, spoilt):
    values = correlated()
    values[:, 1, 2, 2] = spoilt
    assert refusal(replace(module, start=start), features(values)) == (
        "Features of scale 'grid' are infinite or no numbers; look for images unlike the rest."
    )


@every_named_flow
def test_features_that_are_no_numbers_are_refused_where_no_gaussian_is_fitted(module, name):
    assert refusal(replace(module, start="random"), features(np.full((20, 3, 6, 6), np.nan))) == (
        f"{name} grid has no finite loss to begin with; look for images unlike the rest."
    )


@every_named_flow
def test_a_rate_beyond_all_reason_is_refused(module, name):
    assert refusal(replace(module, rate=1e6), features(correlated())) == (
        f"{name} grid diverged at step 1 before it learned anything; choose a lower 'rate' in the recipe, or look for "
        "images unlike the rest."
    )


def test_images_are_encoded_anew_turned_by_as_much_as_wanted():
    asked = []

    def rotate(rows, degrees):
        asked.append((rows, degrees))
        return FeaturePyramid((torch.from_numpy(correlated()[rows]).float(),))

    replace(CFLOW, degrees=5, fibres=5000).fit(replace(features(correlated()), rotate=rotate), seed=0)
    learned_from = held_out_rows(20, 0.15, seed=0)[0]
    angles = np.concatenate([degrees for _, degrees in asked])
    assert all(set(rows) <= set(learned_from) for rows, _ in asked)
    assert 4 < np.abs(angles).max() <= 5
    assert abs(angles.mean()) < 1
