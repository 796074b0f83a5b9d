"""The figures of `quick.py`: pieces of work on made-up images and features, counted in yardsticks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speed.untrained import untrained
from speed.yardstick import Yardstick
from unoqa.benchmark.phantom.anatomy import angiogram
from unoqa.core.contracts import LowQualityModule
from unoqa.core.features import FeatureSet, Scale
from unoqa.encoders.measures import Measures
from unoqa.encoders.timm import Timm
from unoqa.grader.recipe import Recipe

IMAGES = 16
"""Made-up images that modules are fitted on."""

SIZE = 320

SHAPES = {"layer2": (128, 40), "layer3": (256, 20)}
"""Channels and side of ResNet-18's grids at 320 pixels."""

MODULES = ("cflow", "padim", "patchcore", "fastflow")

SHORTER: dict[str, dict[str, int]] = {
    "cflow": {"fibres": 8192, "patience": 0},
    "fastflow": {"passes": 1, "patience": 0},
}
"""Settings by which a flow learns briefly, for as long in every run."""

CPU = torch.device("cpu")


def figures(yardstick: Yardstick) -> Iterator[tuple[str, float]]:
    """Yield name and yardsticks of every figure."""
    picture = angiogram(np.random.default_rng(0), size=SIZE)[None]
    for name, encode, repeats in (("encode ResNet-18", resnet(), 25), ("encode measures", measures(), 25)):
        yield name, yardstick.ratio(partial(encode, picture), repeats)
    features = made_up()
    (pyramid,) = features.subset(np.arange(1)).batches(1)
    for name in MODULES:
        module = settings(name)
        yield f"fit {name}", yardstick.ratio(partial(module.fit, features, seed=0), 19)
        fitted = module.fit(features, seed=0)
        yield f"judge {name}", yardstick.ratio(partial(fitted.predict, pyramid), 25)
    yield "unoqa --help", yardstick.ratio(start, 25)


def resnet() -> Callable[[np.ndarray], Any]:
    """Return a ResNet-18 that has learned nothing."""
    network = Timm(model="resnet18.tv_in1k", layers=(2, 3))
    return network.open(device=CPU, weights=untrained(network)).encode


def measures() -> Callable[[np.ndarray], Any]:
    return Measures().open(device=CPU).encode


def settings(name: str) -> LowQualityModule:
    """Return the module of the recipe for ResNet-18, learning briefly."""
    (member,) = Recipe.named(f"{name}-resnet18").panel.members
    module: Any = member.module
    return replace(module, **SHORTER.get(name, {}))


def made_up() -> FeatureSet:
    """Return random features of ResNet-18's shape: not negative, smooth over neighbouring places, in half precision."""
    generator = torch.Generator().manual_seed(0)
    scales, arrays = [], []
    for name, (channels, side) in SHAPES.items():
        coarse = torch.randn(IMAGES, channels, side // 4, side // 4, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
        noise = torch.randn(smooth.shape, generator=generator)
        arrays.append((smooth + 0.3 * noise).relu().half().numpy())
        scales.append(Scale(name, tuple(map(str, range(channels))), half=True))
    return FeatureSet(tuple(scales), tuple(arrays), np.arange(IMAGES), CPU)


def start() -> None:
    subprocess.run([Path(sys.executable).with_name("unoqa"), "--help"], check=True, capture_output=True)
