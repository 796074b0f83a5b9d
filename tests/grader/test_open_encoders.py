"""Encoders that differ in what comes after the network run it once, and keep one copy of its features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unoqa.encoders.measures import MEASURES, Measures
from unoqa.encoders.timm import Timm
from unoqa.formats import collect
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.source import ImageSource
from unoqa.store.workspace import Workspace

CPU = torch.device("cpu")
POWERS = (0.5, 0.0, 1.0)
SETTINGS = [Measures(), *(Timm(model="resnet18.tv_in1k", layers=(1, 2), rms_norm=power) for power in POWERS)]


@pytest.fixture(scope="module")
def encoders(weights):
    return OpenEncoders.open(SETTINGS, 96, device=CPU, weights=weights)


@pytest.fixture(scope="module")
def source(clinic):
    return ImageSource.find([reference.path for reference in collect([clinic.mixed]).references[:5]])


def test_one_network_serves_all_normalisations(encoders):
    assert len(encoders.cores) == 2
    assert encoders.positions == (0, 1, 1, 1)
    assert len({*encoders.keys}) == 4
    assert len({*encoders.core_keys}) == 2


def test_features_are_the_same_alone_together_and_read_back(encoders, weights, source, tmp_path):
    with Workspace(tmp_path / "work") as workspace:
        cache = CachedFeatures(encoders, workspace)
        with cache.encode(source.images) as found:
            digests = list(found)
        assert len(list((tmp_path / "work").glob("features-*"))) == 2
        for number, settings in enumerate(SETTINGS):
            alone = settings.open(device=CPU, weights=weights)
            read = [
                grid for pyramid in cache.read(number, digests).batches(2) for grid in zip(*pyramid.scales, strict=True)
            ]
            for image, grids in zip(source.images, read, strict=True):
                prepared = encoders.prepare(image.load())
                for other in (
                    encoders.encode(prepared)[number],
                    encoders.encode_with(number, prepared),
                    prepared.encode(alone),
                ):
                    assert all(torch.equal(mine, theirs[0]) for mine, theirs in zip(grids, other.scales, strict=True))


def test_images_are_rotated_and_encoded_again(encoders, source, tmp_path):
    with Workspace(tmp_path / "work") as workspace:
        cache = CachedFeatures(encoders, workspace)
        with cache.encode(source.images) as found:
            images = dict(zip(found, source.images, strict=True))
        for number in (1, 2, 3):
            features, kept = cache.read_rotatable(number, images), cache.read(number, images)
            (first,) = kept.subset(np.arange(1)).batches(1)
            same, turned = (features.subset(np.arange(1)).encode_rotated(np.array([degrees])) for degrees in (0.0, 5.0))
            for mine, theirs, others in zip(same.scales, first.scales, turned.scales, strict=True):
                torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
                assert not torch.allclose(others, theirs, atol=1e-3)


def test_saved_encoders_come_back(encoders, source):
    states = [encoder.state() for encoder in encoders.all]
    again = OpenEncoders.restore(
        SETTINGS, 96, device=CPU, states=states, graphs=encoders.graphs(), measures=MEASURES.names()
    )
    assert encoders.graphs().keys() == {1, 2, 3}
    prepared = encoders.prepare(source.images[0].load())
    for mine, theirs in zip(again.encode(prepared), encoders.encode(prepared), strict=True):
        assert all(torch.equal(*grids) for grids in zip(mine.scales, theirs.scales, strict=True))
