"""Images turned a little and encoded anew, which some modules learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from unoqa import EnfaceImage
from unoqa.core.errors import FitError, UsageError
from unoqa.core.features import FeatureSet
from unoqa.core.progress import NoProgress
from unoqa.encoders.timm import Timm
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.fitting import fit_on_outstanding
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.panel import Member, Panel
from unoqa.grader.rotation import RotatedImages, rotate
from unoqa.grader.source import ImageSource
from unoqa.lowquality.cflow import Cflow
from unoqa.store.workspace import Workspace
from unoqa.thresholds.conformal import Conformal

CPU = torch.device("cpu")
ENCODER = Timm(model="resnet18.tv_in1k", layers=(1, 2))


def image(size=96, seed=0):
    return np.random.default_rng(seed).random((size, size), dtype=np.float32)


def test_an_image_that_is_not_turned_is_itself():
    assert np.array_equal(rotate(image(), 0.0), image())


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_numpys(quarters):
    np.testing.assert_allclose(rotate(image(), 90.0 * quarters), np.rot90(image(), quarters), atol=1e-5)


def test_no_corner_of_a_turned_image_is_black():
    bright = rotate(np.full((64, 64), 0.7, dtype=np.float32), 20.0)
    assert bright.dtype == np.float32
    np.testing.assert_allclose(bright, 0.7, atol=1e-5)


@pytest.fixture
def opened(weights):
    return ENCODER.open(device=CPU, weights=weights)


@pytest.fixture
def source(outstanding_scans):
    scans = [EnfaceImage(scan.name, scan.pixels / 255) for scan in outstanding_scans]
    return ImageSource.find(scans)


def test_features_of_an_image_turned_by_nothing_are_those_that_are_kept(opened, source):
    images = {row: (lazy.load().digest(), lazy) for row, lazy in enumerate(source.images)}

    def encode(image):
        return opened.encode(image.pixels[None])

    again = RotatedImages(encode, images, 96)(np.array([3, 1]), np.zeros(2))
    kept = [opened.encode(images[row][1].load().resize(96)[None]) for row in (3, 1)]
    for position, grid in enumerate(again.scales):
        assert torch.equal(grid, torch.cat([one.scales[position] for one in kept]))
    turned = RotatedImages(encode, images, 96)(np.array([3]), np.ones(1))
    assert not torch.equal(turned.scales[0], again.scales[0][:1])


def test_an_image_that_changed_since_it_was_encoded_is_not_learned_from(opened, source):
    first, second = source.images[:2]
    with pytest.raises(FitError) as caught:
        RotatedImages(opened.encode, {0: (first.load().digest(), second)}, 96)(np.array([0]), np.ones(1))
    assert str(caught.value) == f"{second.name} changed during the fit; fit again."


def test_features_from_files_cannot_be_turned(opened):
    arrays = tuple(np.zeros((2, len(scale.channels), 4, 4), dtype=np.float16) for scale in opened.scales)
    with pytest.raises(UsageError) as caught:
        FeatureSet(opened.scales, arrays, np.arange(2), CPU).encode_rotated(np.zeros(2))
    assert str(caught.value) == "Rotated images are needed, but only features are available; set 'rotation' to 0."


def test_a_flow_learns_from_turned_images(source, weights):
    def threshold(degrees):
        module = Cflow(scales=("layer2",), blocks=2, fibres=8192, batch=512, rotation=degrees)
        panel = Panel((Member(ENCODER, module),), "sum", folds=2)
        encoders = OpenEncoders.open([ENCODER], 96, device=CPU, weights=weights)
        few = replace(source, images=source.images[:12])
        with Workspace() as workspace:
            cache = CachedFeatures(encoders, workspace)
            return fit_on_outstanding(panel, Conformal(), cache, few, seed=0, progress=NoProgress()).panel.members[0]

    still, turning = threshold(0.0), threshold(5.0)
    assert np.isfinite([turning.mean, turning.std]).all()
    assert turning.mean != still.mean
