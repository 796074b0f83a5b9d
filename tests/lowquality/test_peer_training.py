"""CFLOW and FastFlow trained as anomalib trains them, from random starts on the same features of real images.

No two starts are the same, so what is compared are means over three seeds. Their standard error is .005 in the loss of
CFLOW, .009 in that of FastFlow, and .02 in the area under the curve, which bounds what can be asked of the latter.
`make test-peer` runs these tests.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from peers import CPU, NEEDS_PEER, encode_images, peer
from unoqa.core.auroc import auroc
from unoqa.core.features import FeatureSet
from unoqa.lowquality.anomalib.isolation import seed_all
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow

pytestmark = [NEEDS_PEER]

FITTED, OUTSTANDING, WORSE = 40, 60, 60
"""Outstanding images to train on, and images to test: outstanding ones and others."""

SEEDS = range(3)

LOSS, AREA = 0.02, 0.06
"""Largest differences: of the loss, and, three standard errors, of the area under the curve."""

BATCH = 64
"""Fibres per step, anomalib's default."""

IMAGES = 8
"""Images per step of FastFlow; anomalib's 32 would leave two steps per pass."""

CFLOW = Cflow(
    neighbourhood=1, start="random", batch=BATCH, learning_rate=1e-4, schedule="constant", patience=0, join="maps"
)
FASTFLOW = Fastflow(start="layer-norm", batch=IMAGES, learning_rate=1e-3, schedule="constant", patience=0, join="maps")


@pytest.fixture(scope="module")
def grids():
    """Return the grids of layer 3, averaged to 10×10 places: those to train on come first, then outstanding ones."""
    features = encode_images(FITTED + OUTSTANDING, WORSE)
    grid = torch.from_numpy(features.arrays[2].astype(np.float32))
    return features.scales[2], functional.avg_pool2d(grid, 2).half()


@pytest.fixture(scope="module")
def split(grids):
    """Return the features to train on, and those to test."""
    scale, array = grids
    rows = np.arange(len(array))
    whole = FeatureSet((scale,), (array.numpy(),), rows, CPU)
    return whole.subset(rows[:FITTED]), whole.subset(rows[FITTED:])


def average(results):
    """Return loss and area under the curve, each the mean over seeds."""
    return np.mean(list(results), axis=0)


def summarise(losses, scores):
    """Return the mean loss of outstanding images, and how well the scores tell the others from them."""
    losses, scores = np.array(losses), np.array(scores)
    return losses[:OUTSTANDING].mean(), auroc(scores[OUTSTANDING:], scores[:OUTSTANDING])


# CFLOW: the loss is -log σ(ℓ), and the score of an image is the mean of -ℓ, the log-likelihood per channel


def summarise_likelihoods(likelihoods):
    losses = [-functional.logsigmoid(one).mean().item() for one in likelihoods]
    return summarise(losses, [-one.mean().item() for one in likelihoods])


def train_our_cflow(split, epochs, seed):
    fitted = replace(CFLOW, epochs=epochs).fit(split[0], seed=seed)
    return summarise_likelihoods([fitted.infer(pyramid)[0][1] for pyramid in split[1].batches(1)])


def train_their_cflow(grids, epochs, seed):
    """Train as their `training_step` does: all fibres of 32 images in random order, 64 a step, the last with more."""
    decoder = peer("Cflow", seed=seed, layers=["layer3"]).model.decoders[0].train()
    from anomalib.models.image.cflow.utils import get_logp, positional_encoding_2d  # noqa: PLC0415 - optional

    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-4)
    images = grids[1].float()
    channels, places = images.shape[1], images.shape[2] * images.shape[3]
    fibres = images.flatten(2).transpose(1, 2)
    encoding = positional_encoding_2d(128, *images.shape[2:]).flatten(1).T

    def infer(vectors, codes):
        latent, determinant = decoder(vectors, [codes])
        return get_logp(channels, latent, determinant) / channels

    random = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(FITTED, generator=random).split(32):
            drawn = fibres[rows].flatten(0, 1)
            codes = encoding.repeat(len(rows), 1)
            order = torch.randperm(len(rows) * places, generator=random)
            for some in order.tensor_split(tuple(range(BATCH, len(order) // BATCH * BATCH, BATCH))):
                optimizer.zero_grad()
                (-functional.logsigmoid(infer(drawn[some], codes[some]))).mean().backward()
                optimizer.step()
    decoder.eval()
    with torch.no_grad():
        return summarise_likelihoods([infer(one, encoding) for one in fibres[FITTED:]])


# FastFlow: the loss is the negative log-likelihood per channel; a map has 1 - exp(-½ · mean of z²)


def summarise_latents(pairs):
    scores = [(1 - torch.exp(-0.5 * latent.square().mean(dim=1))).mean().item() for latent, _ in pairs]
    return summarise([loss for _, loss in pairs], scores)


def train_our_fastflow(split, epochs, seed):
    fitted = replace(FASTFLOW, epochs=epochs).fit(split[0], seed=seed)
    found = [fitted.infer(pyramid)[0] for pyramid in split[1].batches(1)]
    return summarise_latents([(latent, -likelihood.mean().item()) for latent, likelihood in found])


def train_their_fastflow(grids, epochs, seed):
    """Train one of their flows by their loss and optimizer."""
    peer("Fastflow")  # imports anomalib, whose warnings are not ours
    from anomalib.models.image.fastflow.loss import FastflowLoss  # noqa: PLC0415 - optional
    from anomalib.models.image.fastflow.torch_model import create_fast_flow_block  # noqa: PLC0415 - optional

    images = grids[1].float()
    shape = list(images.shape[1:])
    with seed_all(seed, CPU):
        flow = create_fast_flow_block(shape, conv3x3_only=False, hidden_ratio=1.0, flow_steps=8)
    norm = nn.LayerNorm(shape)
    optimizer = torch.optim.Adam([*norm.parameters(), *flow.parameters()], lr=1e-3, weight_decay=1e-5)
    random = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(FITTED, generator=random).split(IMAGES):
            optimizer.zero_grad()
            latent, determinant = flow(norm(images[rows]))
            FastflowLoss()([latent], [determinant]).backward()
            optimizer.step()
    flow.eval()
    with torch.no_grad():
        found = [flow(norm(one[None])) for one in images[FITTED:]]
    constant = 0.5 * np.log(2 * np.pi)
    losses = [FastflowLoss()([latent], [one]).item() / latent.numel() + constant for latent, one in found]
    return summarise_latents(list(zip((latent for latent, _ in found), losses, strict=True)))


PAIRS = {"CFLOW": (train_our_cflow, train_their_cflow), "FastFlow": (train_our_fastflow, train_their_fastflow)}


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("method", PAIRS)
def test_a_flow_trained_from_random_starts_ends_as_the_peers(method, epochs, grids, split):
    train_ours, train_theirs = PAIRS[method]
    ours = average(train_ours(split, epochs, seed) for seed in SEEDS)
    theirs = average(train_theirs(grids, epochs, seed) for seed in SEEDS)
    assert abs(ours[0] - theirs[0]) <= LOSS
    assert abs(ours[1] - theirs[1]) <= AREA
