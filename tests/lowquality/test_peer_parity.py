"""The published methods beside anomalib's, module by module, on the same features of 40 real images.

Each test uses the settings that restore what was published (`form`, `start`, `schedule`, `maps`, `join`), and says in
its name what is equal. `make test-peer` runs these tests.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from peers import CPU, LAYERS, NEEDS_PEER, SIZE, encode_images, peer
from unoqa.lowquality.anomalib.isolation import seed_all
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.padim import Padim
from unoqa.lowquality.patchcore import Patchcore

pytestmark = [NEEDS_PEER]

CFLOW = Cflow(
    neighbourhood=1,
    start="random",
    epochs=1,
    batch=64,
    learning_rate=1e-4,
    schedule="constant",
    patience=0,
    join="maps",
)
FASTFLOW = Fastflow(
    start="layer-norm", epochs=1, batch=8, learning_rate=1e-3, schedule="constant", patience=0, maps="norm", join="maps"
)


@pytest.fixture(scope="module")
def images():
    """Return the features of 60 outstanding images and of 20 others of the same device, and whether each is worse."""
    return encode_images(60, 20), np.arange(80) >= 60


@pytest.fixture(scope="module")
def fitted_on(images):
    """Return the 40 outstanding images that modules are fitted on."""
    return images[0].subset(np.arange(40))


@pytest.fixture(scope="module")
def unseen(images):
    """Return 20 outstanding images and 20 others, and whether each is worse."""
    return images[0].subset(np.arange(40, 80)), images[1][40:]


def pyramids(features):
    """Return each image's grids by the names of their layers, as anomalib's models name them."""
    return [dict(zip(LAYERS, pyramid.scales, strict=True)) for pyramid in features.batches(1)]


# PaDiM and PatchCore


def test_padim_gives_the_peers_map_and_its_maximum_with_the_same_channels(fitted_on, unseen):
    settings = Padim(channels=50, largest_grid=80, regularisation=0.01001, pool="max", form="published")
    ours = settings.fit(fitted_on, seed=1)
    model = peer("Padim", n_features=50).model.eval()
    model.idx = ours.state()["channels"]
    with torch.no_grad():
        model.gaussian.fit(torch.cat([model.generate_embedding(grids) for grids in pyramids(fitted_on)]))
        statistics = {"mean": model.gaussian.mean, "inv_covariance": model.gaussian.inv_covariance}
        for grids, pyramid in zip(pyramids(unseen[0])[::4], list(unseen[0].batches(1))[::4], strict=True):
            embedding = model.generate_embedding(grids)
            distances = model.anomaly_map_generator.compute_distance(embedding, list(statistics.values()))
            whole = model.anomaly_map_generator(embedding=embedding, image_size=(SIZE, SIZE), **statistics)
            evidence = ours.predict(pyramid)
            torch.testing.assert_close(evidence.maps[0], distances[:, 0], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(evidence.score.exp(), whole.amax(dim=(1, 2, 3)), rtol=1e-4, atol=1e-4)


def test_patchcore_gives_the_peers_map_and_its_weighted_maximum_with_the_same_memory(fitted_on, unseen):
    settings = Patchcore(scales=("layer2", "layer3"), pool="max", form="published")
    ours = settings.fit(fitted_on, seed=1)
    model = peer("Patchcore", layers=["layer2", "layer3"]).model.eval()
    model.memory_bank = ours.state()["memory"].float()
    for grids, pyramid in zip(pyramids(unseen[0])[::4], list(unseen[0].batches(1))[::4], strict=True):
        pooled = {name: model.feature_pooler(grids[name]) for name in ("layer2", "layer3")}
        embedding = model.reshape_embedding(model.generate_embedding(pooled))
        distances, places = model.nearest_neighbors(embedding, n_neighbors=1)
        score = model.compute_anomaly_score(distances[None], places[None], embedding)
        evidence = ours.predict(pyramid)
        torch.testing.assert_close(evidence.maps[0].flatten(), distances, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(evidence.score.exp(), score, rtol=1e-4, atol=1e-4)


# CFLOW and FastFlow with the same weights


def copy_blocks(prefix, blocks, *, rotated):
    """Return the state of our couplings that the peer's blocks give, and the order of channels in its latent.

    The peer permutes (or rotates) the channels after each block. Ours stores where the channels are instead, or rotates
    before a block; so the last permutation orders the latent, and the last rotation turns it.
    """
    channels = blocks[0].in_channels
    order, rotation, state = torch.arange(channels), torch.eye(channels), {}
    for number, block in enumerate(blocks):
        own = f"{prefix}._blocks.{number}."
        half = block.splits[0]
        state |= {own + "passive": order[:half], own + "active": order[half:]}
        for ours, theirs in (("gain", block.global_scale), ("offset", block.global_offset)):
            values = torch.empty(channels)
            values[order] = theirs.detach().flatten()
            state[own + ours] = values
        matrix = block.w_perm.detach().reshape(channels, channels)
        if rotated:
            state[own + "rotation"], rotation = rotation, matrix
        else:
            order = order[matrix.argmax(dim=1)]
    return state, order, rotation


def round_weights(model):
    """Round the peer's weights to those that our models store; draw gains and offsets, which begin as 1 and 0."""
    with torch.no_grad(), seed_all(1, CPU):
        for name, value in model.named_parameters():
            if "subnet" in name and value.dim() > 1:
                value.copy_((2 * value).bfloat16().float())
            elif "global" in name:
                value.add_(0.3 * torch.randn_like(value))


def restore(settings, features, copied):
    """Return our flows with copied arrays in place of those of an untrained fit."""
    state = settings.untrained().fit(features, seed=0).state()
    assert copied.keys() <= state.keys()
    stored = {name: array.to(state[name].dtype) for name, array in copied.items()}
    assert all(stored[name].shape == state[name].shape for name in stored)
    return settings.restore({**state, **stored}, features.scales)


@pytest.mark.parametrize("permutation", ["hard", "soft"])
def test_cflow_gives_the_peers_latents_and_likelihoods_with_the_same_weights(permutation, fitted_on, unseen):
    model = peer("Cflow", layers=["layer2", "layer3"], permute_soft=permutation == "soft").model.eval()
    round_weights(model)
    settings = replace(CFLOW, scales=("layer2", "layer3"), permutation=permutation)
    copied, orders, rotations = {}, [], []
    for layer, decoder in zip(settings.scales, model.decoders, strict=True):
        state, order, rotation = copy_blocks(layer, list(decoder), rotated=permutation == "soft")
        for number, block in enumerate(decoder):
            first, _, last = block.subnet
            own, half = f"{layer}._blocks.{number}.subnet.", block.splits[0]
            state |= {own + "fibre.weight": first.weight[:, :half], own + "position.weight": first.weight[:, half:]}
            state |= {
                own + "fibre.bias": first.bias,
                own + "output.weight": last.weight,
                own + "output.bias": last.bias,
            }
        copied |= state
        orders.append(order)
        rotations.append(rotation)
    ours = restore(settings, fitted_on, {name: array.detach() for name, array in copied.items()})
    utilities = import_cflow_utilities()
    for grids, pyramid in zip(pyramids(unseen[0])[:4], unseen[0].batches(1), strict=False):
        for scale, (layer, decoder) in enumerate(zip(settings.scales, model.decoders, strict=True)):
            latent, likelihood = ours.infer(pyramid)[scale]
            grid = grids[layer]
            fibres = grid.flatten(2)[0].T
            encoding = utilities.positional_encoding_2d(128, *grid.shape[2:]).flatten(1).T
            with torch.no_grad():
                z, determinant = decoder(fibres, [encoding])
            expected = utilities.get_logp(fibres.shape[1], z, determinant) / fibres.shape[1]
            mine = latent.flatten(2)[0].T[:, orders[scale]] @ rotations[scale].T
            torch.testing.assert_close(mine, z, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(likelihood.flatten(), expected, rtol=1e-4, atol=1e-4)


def import_cflow_utilities():
    from anomalib.models.image.cflow import utils  # noqa: PLC0415 - optional

    return utils


def test_fastflow_gives_the_peers_latents_likelihoods_map_and_maximum_with_the_same_weights(fitted_on, unseen):
    model = peer("Fastflow").model.eval()
    round_weights(model)
    copied, orders = {}, []
    with torch.no_grad(), seed_all(2, CPU):
        for norm in model.norms:
            norm.weight.add_(0.1 * torch.randn_like(norm.weight))
            norm.bias.add_(0.1 * torch.randn_like(norm.bias))
    for layer, norm, blocks in zip(LAYERS, model.norms, model.fast_flow_blocks, strict=True):
        state, order, _ = copy_blocks(layer, list(blocks), rotated=False)
        for number, block in enumerate(blocks):
            first, _, last = block.subnet
            own = f"{layer}._blocks.{number}.subnet."
            state |= {own + "hidden.weight": first.weight, own + "hidden.bias": first.bias}
            state |= {own + "output.weight": last.weight, own + "output.bias": last.bias}
        copied |= {**state, f"{layer}.whitening.gain": norm.weight, f"{layer}.whitening.offset": norm.bias}
        orders.append(order)
    settings = replace(FASTFLOW, pool="max")
    ours = restore(settings, fitted_on, {name: array.detach() for name, array in copied.items()})
    for grids, pyramid in zip(pyramids(unseen[0])[:4], unseen[0].batches(1), strict=False):
        latents = []
        for scale, (layer, norm, blocks) in enumerate(zip(LAYERS, model.norms, model.fast_flow_blocks, strict=True)):
            with torch.no_grad():
                z, determinant = blocks(norm(grids[layer]))
            latent, likelihood = ours.infer(pyramid)[scale]
            torch.testing.assert_close(latent[:, orders[scale]], z, rtol=1e-4, atol=1e-4)
            channels = z.shape[1]
            constant = 0.5 * np.log(2 * np.pi)
            total = (-0.5 * z.square().sum() + determinant[0]) / channels - constant * likelihood.numel()
            torch.testing.assert_close(likelihood.sum(), total, rtol=1e-4, atol=1e-4)
            latents.append(z)
        evidence, whole = ours.predict(pyramid), model.anomaly_map_generator(latents)
        joined = torch.stack(
            [functional.interpolate(grid[None], (SIZE, SIZE), mode="bilinear") for grid in evidence.maps]
        )
        torch.testing.assert_close(joined.mean(dim=0) - 1, whole, rtol=1e-4, atol=1e-4)
        assert float(evidence.score) - 1 == pytest.approx(float(whole.max()), abs=5e-3)  # ours: at the finest grid
