"""What the tests beside anomalib share: features of real images, and anomalib's models."""

from __future__ import annotations

import csv
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from unoqa.core.features import FeatureSet, Scale
from unoqa.core.grading import Grade
from unoqa.encoders.timm import Timm
from unoqa.formats import collect, read
from unoqa.lowquality.anomalib.isolation import seed_all
from unoqa.lowquality.anomalib.models import build_model

NEEDS_PEER = pytest.mark.skipif(
    find_spec("anomalib") is None and os.environ.get("UNOQA_REQUIRE_PEER") != "1",
    reason='anomalib is not installed: pip install "unoqa[peer]"',
)

CPU = torch.device("cpu")
LAYERS = ("layer1", "layer2", "layer3")
SIZE = 320

_SHARED = Path(__file__).parents[2] / "shared"
_WEIGHTS = _SHARED / "encoders" / "resnet18_layers123.safetensors"
_UNTRAINED = {"backbone": "resnet18", "pre_trained": False}


def encode_images(outstanding, worse):
    """Return the features of so many outstanding images and of so many others of one device, in this order."""
    for path in (_SHARED / "octa", _WEIGHTS):
        if not path.exists():
            missing = f"{path} is not on this machine; it is lent for tests and not part of the project"
            (pytest.fail if os.environ.get("UNOQA_REQUIRE_SHARED") == "1" else pytest.skip)(missing)
    names = [*_draw_names(outstanding, good=True), *_draw_names(worse, good=False)]
    found = {one.name: one for one in collect([_SHARED / "octa" / "images"]).references}
    encoder = Timm(layers=(1, 2, 3)).open(device=CPU, weights=_WEIGHTS)
    pyramids = [encoder.encode(read(found[name]).resize(SIZE)[None]) for name in names]
    scales = tuple(Scale(name, scale.channels) for name, scale in zip(LAYERS, encoder.scales, strict=True))
    arrays = tuple(torch.cat(grids).numpy() for grids in zip(*(pyramid.scales for pyramid in pyramids), strict=True))
    return FeatureSet(scales, arrays, np.arange(len(names)), CPU)


def _draw_names(count, *, good):
    with (_SHARED / "octa" / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted((row["image"], int(row["grade"])) for row in csv.DictReader(file) if row["device"] == "rossa")
    names = [name for name, grade in rows if (grade == Grade.OUTSTANDING) is good]
    return np.random.default_rng(0 if good else 1).permutation(names).tolist()[:count]


def peer(name, *, seed=0, **options):
    """Return a model of anomalib without trained weights; the features come from us."""
    with seed_all(seed, CPU):
        return build_model(name, {**_UNTRAINED, **options}, (SIZE, SIZE), weights=None)
