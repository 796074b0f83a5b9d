"""CFLOW and FastFlow start as a Gaussian, fit densities that no Gaussian fits, and say when they cannot."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import nn

from unoqa.core.errors import FitError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.grader.module_checks import restore_as_from_file
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.flows.positional_encoding import positional_encoding
from unoqa.lowquality.flows.sampler import FibreSampler, split_rows

CPU = torch.device("cpu")
CFLOW = Cflow(neighbourhood=1, blocks=4, positional_channels=8, fibres=1000, batch=128, maps="energy")
FASTFLOW = Fastflow(blocks=4, epochs=2, maps="energy")

every_flow = pytest.mark.parametrize("module", [CFLOW, FASTFLOW], ids=["cflow", "fastflow"])
every_named_flow = pytest.mark.parametrize(("module", "name"), [(CFLOW, "CFLOW"), (FASTFLOW, "FastFlow")])


def features(values):
    """Make a set of one scale, images × channels × rows × columns."""
    scale = Scale("grid", tuple(f"channel {number}" for number in range(values.shape[1])))
    return FeatureSet((scale,), (values.astype(np.float32),), np.arange(len(values)), CPU)


def correlated(images=20, seed=0):
    """Draw Gaussian fibres of three correlated channels with different units."""
    random = np.random.default_rng(seed)
    mixed = np.array([[1, 0, 0], [0.8, 0.5, 0], [20, 10, 30]]) @ random.normal(size=(images, 3, 36))
    return mixed.reshape(images, 3, 6, 6) + np.array([3, -1, 100]).reshape(3, 1, 1)


def log_likelihood(fitted, given):
    """Return ℓ at each position, from maps that hold -log σ(ℓ)."""
    energy = torch.cat([fitted.predict(pyramid).maps[0] for pyramid in given.batches(1)]).double()
    return -torch.log(torch.expm1(energy))


def gaussian(values):
    """Fit a Gaussian as the module `gaussian` does, with its correlation shrunk by 1 %."""
    fibres = values.transpose(0, 2, 3, 1).reshape(-1, values.shape[1])
    std, correlation = fibres.std(axis=0), np.corrcoef(fibres.T)
    shrunk = 0.99 * correlation + (0.01 + 1e-6) * np.eye(len(std))
    return multivariate_normal(fibres.mean(axis=0), shrunk * np.outer(std, std))


@pytest.mark.parametrize(
    "module", [CFLOW, replace(CFLOW, permutation="soft"), FASTFLOW], ids=["cflow", "soft-permutation", "fastflow"]
)
def test_bfloat16_moves_no_score_by_more_than_1e_4(module, report_capabilities):
    settings, outstanding = replace(module, maps="prob", patience=0, precision="bfloat16"), features(correlated())
    fitted = settings.fit(outstanding, seed=3)
    (pyramid,) = features(correlated(1, seed=1)).batches(1)
    predictions = []
    for has_bfloat16 in (True, False):
        report_capabilities(amx_bf16=has_bfloat16)
        predictions.append(settings.restore(fitted.state(), outstanding.scales).predict(pyramid))
    half, single = predictions
    assert not torch.equal(half.maps[0], single.maps[0])
    assert torch.allclose(half.score, single.score, rtol=0, atol=1e-4)


def test_the_loss_of_a_fibre_is_the_same_in_batches_larger_and_smaller_than_the_grid():
    conditional = CFLOW.fit(features(correlated()), seed=0)._flows["grid"].infer
    batch = FibreSampler(features(correlated()), CFLOW._prepare, batch=90, seed=0).sample(0)
    in_parts = torch.cat([conditional.compute_losses(part, (6, 6)) for part in batch.split(30)])
    torch.testing.assert_close(conditional.compute_losses(batch, (6, 6)), in_parts, atol=1e-5, rtol=1e-5)
    assert len(in_parts.unique()) > 36


@every_flow
def test_before_training_a_flow_is_the_gaussian_of_scipy(module):
    fitted = replace(module, learning_rate=1e-30).fit(features(correlated()), seed=3)
    expected = gaussian(correlated()[split_rows(20, 0.15, seed=3)[0]])
    density = expected.logpdf(correlated(4, seed=1).transpose(0, 2, 3, 1))
    found = 3 * log_likelihood(fitted, features(correlated(4, seed=1))) - np.linalg.slogdet(expected.cov)[1] / 2
    np.testing.assert_allclose(found.numpy(), density, atol=2e-4)


@every_flow
def test_without_blocks_a_flow_is_the_gaussian_of_scipy_in_the_unit_of_the_features(module):
    fitted = module.as_gaussian().fit(features(correlated()), seed=3)
    expected = gaussian(correlated()[split_rows(20, 0.15, seed=3)[0]])
    density = expected.logpdf(correlated(4, seed=1).transpose(0, 2, 3, 1)).mean(axis=(1, 2)) / 3
    (pyramid,) = features(correlated(4, seed=1)).batches(4)
    np.testing.assert_allclose(fitted.compute_log_density(pyramid).numpy(), density, atol=2e-4)
    restored = module.as_gaussian().restore(fitted.state(), features(correlated()).scales)
    assert torch.equal(restored.predict(pyramid).maps[0], fitted.predict(pyramid).maps[0])


@every_flow
def test_an_untrained_flow_is_where_the_training_starts(module):
    random = replace(module, start="random", learning_rate=1e-30, patience=0)
    (pyramid,) = features(correlated(2, seed=1)).batches(2)
    fitted, untrained = (one.fit(features(correlated()), seed=3) for one in (random, random.untrained()))
    assert torch.equal(untrained.compute_latents(pyramid)[0], fitted.compute_latents(pyramid)[0])
    assert [one.taken for one in untrained.trainings] == [0]
    assert fitted.trainings[0].taken > 0


@pytest.mark.parametrize(
    "settings",
    [
        *(replace(CFLOW, permutation=permutation) for permutation in ("hard", "soft")),
        replace(CFLOW, permutation="soft", start="random"),
        *(replace(FASTFLOW, start=start) for start in ("gaussian", "random", "layer-norm")),
    ],
    ids=["cflow-hard", "cflow-soft", "cflow-as-published", "fastflow", "fastflow-random", "fastflow-as-published"],
)
def test_a_flow_that_is_checked_after_its_fit_still_knows_how_it_was_trained(settings):
    given = features(correlated())
    fitted = settings.fit(given, seed=3)
    assert restore_as_from_file(settings, fitted, given.scales) is fitted


def test_behind_a_layer_norm_a_flow_sees_neither_the_mean_nor_the_contrast_of_an_image():
    module = replace(FASTFLOW, start="layer-norm", maps="norm")
    fitted, values = module.fit(features(correlated()), seed=0), correlated(1, seed=1)
    before, after = (fitted.predict(next(features(each).batches(1))).maps[0] for each in (values, 3 * values + 50))
    torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)
    restored = module.restore(fitted.state(), features(values).scales)
    assert torch.equal(restored.predict(next(features(values).batches(1))).maps[0], before)


def banana(images, seed):
    """Draw fibres (x, x² + 0.5 e) with x and e standard normal; return also the mean of their log-density."""
    x, e = np.random.default_rng(seed).normal(size=(2, images, 8, 8))
    return features(np.stack([x, x**2 + 0.5 * e], axis=1)), -math.log(2 * math.pi * math.e * 0.5)


def by_column(images, seed):
    """Draw fibres whose mean depends on their column."""
    noise = np.random.default_rng(seed).normal(size=(images, 2, 8, 8))
    return features(noise + 2 * np.arange(8) * np.array([1, -1]).reshape(2, 1, 1)), -math.log(2 * math.pi * math.e)


def by_neighbour(images, seed):
    """Draw fibres whose second channel is the first channel of the position to the left, plus noise."""
    first, noise = np.random.default_rng(seed).normal(size=(2, images, 8, 8))
    second = np.roll(first, 1, axis=2) + 0.2 * noise
    log_std = (7 * math.log(0.2) + math.log(1.04) / 2) / 8  # the first column has no position to its left
    return features(np.stack([first, second], axis=1)), -math.log(2 * math.pi * math.e) - log_std


QUICK_CFLOW = replace(CFLOW, positional_channels=32, fibres=30_000, batch=256, learning_rate=0.03, patience=0)
QUICK_FASTFLOW = replace(FASTFLOW, width=8, epochs=20, learning_rate=0.03, patience=0)


@pytest.mark.parametrize(
    ("module", "density"),
    [(QUICK_CFLOW, banana), (QUICK_CFLOW, by_column), (QUICK_FASTFLOW, by_neighbour)],
    ids=["cflow-banana", "cflow-by-column", "fastflow-by-neighbour"],
)
def test_a_flow_closes_most_of_the_gap_between_the_gaussian_and_the_true_density(module, density):
    (given, truth), (unseen, _) = density(40, seed=0), density(40, seed=1)
    start = gaussian(given.arrays[0])
    before = start.logpdf(unseen.arrays[0].transpose(0, 2, 3, 1)).mean()
    per_channel = float(log_likelihood(module.fit(given, seed=0), unseen).mean())
    after = 2 * per_channel - np.linalg.slogdet(start.cov)[1] / 2
    assert before + 0.75 * (truth - before) < after < truth + 0.03


@pytest.mark.parametrize(
    ("module", "density"),
    [(replace(QUICK_CFLOW, fibres=6400), banana), (replace(QUICK_FASTFLOW, epochs=2), by_neighbour)],
    ids=["cflow", "fastflow"],
)
def test_held_out_images_only_stop_the_training(module, density):
    """Other held-out images of the same density, which stop training at the same step, give the same parameters."""
    (given, _), (other, _) = density(40, seed=0), density(40, seed=1)
    held_out = split_rows(40, 0.15, seed=0)[1]
    exchanged = given.arrays[0].copy()
    exchanged[held_out] = other.arrays[0][held_out]
    for patience, same in ((4, True), (0, False)):
        settings = replace(module, patience=patience)
        first, second = (settings.fit(images, seed=0).state() for images in (given, features(exchanged)))
        assert all(torch.equal(first[name], second[name]) for name in first) is same


@every_flow
def test_the_likelihood_of_an_image_does_not_depend_on_its_batch(module):
    fitted, given = module.fit(features(correlated()), seed=0), features(correlated(7, seed=2))
    together, (latent,) = (apply(next(given.batches(7))) for apply in (fitted.predict, fitted.compute_latents))
    for row, pyramid in enumerate(given.batches(1)):
        assert torch.equal(fitted.predict(pyramid).maps[0][0], together.maps[0][row])
        assert torch.equal(fitted.compute_latents(pyramid)[0][0], latent[row])


@every_flow
def test_a_grid_of_another_size_is_scored_too(module):
    fitted, values = module.fit(features(correlated()), seed=0), correlated(2, seed=2)
    smaller = next(features(values[:, :, :3, :5]).batches(2))
    before, between, after = (
        fitted.predict(pyramid).maps[0] for pyramid in (smaller, next(features(values).batches(2)), smaller)
    )
    assert (before.shape, between.shape) == ((2, 3, 5), (2, 6, 6))
    assert torch.equal(before, after)


@pytest.mark.parametrize("permutation", ["hard", "soft"])
def test_cflow_is_what_freia_computes_with_its_weights(permutation):
    freia = pytest.importorskip("FrEIA.modules")
    module = replace(QUICK_CFLOW, permutation=permutation, fibres=5000)
    fitted, given = module.fit(features(correlated()), seed=0), features(correlated(1, seed=2))
    state = {name.removeprefix("grid."): array for name, array in fitted.state().items()}
    fibres = next(given.batches(1)).scales[0][0].flatten(1).T
    z = (fibres - state["whitening.mean"]) @ state["whitening.matrix"].T
    total = torch.zeros(len(z))
    for number in range(module.blocks):
        block = {name.removeprefix(f"_blocks.{number}."): array.float() for name, array in state.items()}
        z, log_determinant = freia_block(freia, block, z, positional_encoding(6, 6, module.positional_channels))
        total = total + log_determinant
    expected = (torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1) + total) / 3
    pyramid = next(given.batches(1))
    torch.testing.assert_close(fitted.compute_latents(pyramid)[0][0].flatten(1).T, z, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(log_likelihood(fitted, given)[0].flatten().float(), expected, atol=1e-4, rtol=1e-4)


def freia_block(freia, block, z, encoding):
    """Run FrEIA's block with our weights, between two permutations that order the channels as it expects them."""
    order = torch.cat([block["passive"], block["active"]]).long()
    joint = torch.cat([block["subnet.fibre.weight"], block["subnet.position.weight"]], dim=1)
    hidden, output = (
        linear(joint, block["subnet.fibre.bias"]),
        linear(block["subnet.output.weight"], block["subnet.output.bias"]),
    )
    subnet = nn.Sequential(hidden, nn.ReLU(), output)
    theirs = freia.AllInOneBlock([(len(order),)], [(encoding.shape[1],)], lambda *_: subnet, affine_clamping=1.9)
    theirs.global_scale.data = block["gain"][order][None]
    theirs.global_offset.data = block["offset"][order][None]
    theirs.w_perm.data = torch.eye(len(order))[:, order]
    rotated = z @ block["rotation"].T if "rotation" in block else z
    with torch.no_grad():
        (out,), log_determinant = theirs([rotated[:, order]], [encoding])
    return out, log_determinant


def linear(weight, bias):
    layer = nn.Linear(*weight.T.shape)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def fit_error(module, given):
    with pytest.raises(FitError) as caught:
        module.fit(given, seed=0)
    return str(caught.value)


@every_named_flow
def test_one_channel_is_too_few(module, name):
    assert fit_error(module, features(correlated()[:, :1])) == (
        f"{name} needs at least 2 channels, and scale 'grid' has 1; choose another encoder."
    )


@every_flow
@pytest.mark.parametrize("start", ["gaussian", "standard"])
@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(module, start, spoilt):
    values = correlated()
    values[:, 1, 2, 2] = spoilt
    assert fit_error(replace(module, start=start), features(values)) == (
        "Features of scale 'grid' contain infinity or NaN; look for an image that differs from the rest."
    )


@every_named_flow
def test_features_that_are_not_finite_are_refused_where_no_gaussian_is_fitted(module, name):
    assert fit_error(replace(module, start="random"), features(np.full((20, 3, 6, 6), np.nan))) == (
        f"{name} grid has no finite loss before training; look for an image that differs from the rest."
    )


@every_named_flow
def test_a_learning_rate_that_is_far_too_high_is_refused(module, name):
    assert fit_error(replace(module, learning_rate=1e6), features(correlated())) == (
        f"{name} grid diverged at step 1 before its held-out loss improved; lower 'learning_rate' in the recipe, or "
        "look for an image that differs from the rest."
    )


def test_training_images_are_rotated_by_up_to_the_setting_and_encoded_anew():
    encoded = []

    def rotate(rows, degrees):
        encoded.append((rows, degrees))
        return FeaturePyramid((torch.from_numpy(correlated()[rows]).float(),))

    replace(CFLOW, rotation=5, fibres=5000).fit(replace(features(correlated()), rotate=rotate), seed=0)
    trained_on = split_rows(20, 0.15, seed=0)[0]
    angles = np.concatenate([degrees for _, degrees in encoded])
    assert all(set(rows) <= set(trained_on) for rows, _ in encoded)
    assert 4 < np.abs(angles).max() <= 5
    assert abs(angles.mean()) < 1
