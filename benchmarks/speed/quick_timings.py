"""The timings of `quick.py`: work on synthetic images and features, in units of the yardstick."""

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

from speed.random_weights import draw_weights
from speed.yardstick import Yardstick
from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.core.contracts import LowQualityModule
from unoqa.core.features import FeatureSet, Scale
from unoqa.encoders.measures import Measures
from unoqa.encoders.timm import Timm
from unoqa.grader.recipe import Recipe

IMAGES = 16
"""Number of synthetic images that modules are fitted on."""

SIZE = 320

SHAPES = {"layer2": (128, 40), "layer3": (256, 20)}
"""Channels and side of the grids of a ResNet-18 at 320 pixels."""

MODULES = ("cflow", "padim", "patchcore", "fastflow")

SHORT: dict[str, dict[str, int]] = {
    "cflow": {"fibres": 8192, "patience": 0},
    "fastflow": {"epochs": 1, "patience": 0},
}
"""Settings that make the training of a flow short, and equally long in every run."""

CPU = torch.device("cpu")


def measure_all(yardstick: Yardstick) -> Iterator[tuple[str, float]]:
    """Yield the name of every piece of work and its time in yardsticks."""
    picture = draw_angiogram(np.random.default_rng(0), size=SIZE)[None]
    for name, encode, repeats in (("encode ResNet-18", open_resnet(), 25), ("encode measures", open_measures(), 25)):
        yield name, yardstick.measure_ratio(partial(encode, picture), repeats)
    features = draw_features()
    (pyramid,) = features.subset(np.arange(1)).batches(1)
    for name in MODULES:
        module = load_module(name)
        yield f"fit {name}", yardstick.measure_ratio(partial(module.fit, features, seed=0), 19)
        fitted = module.fit(features, seed=0)
        yield f"predict {name}", yardstick.measure_ratio(partial(fitted.predict, pyramid), 25)
    yield "unoqa --help", yardstick.measure_ratio(run_help, 25)


def open_resnet() -> Callable[[np.ndarray], Any]:
    """Return a ResNet-18 with random weights."""
    network = Timm(model="resnet18.tv_in1k", layers=(2, 3))
    return network.open(device=CPU, weights=draw_weights(network)).encode


def open_measures() -> Callable[[np.ndarray], Any]:
    return Measures().open(device=CPU).encode


def load_module(name: str) -> LowQualityModule:
    """Return the module of the recipe for ResNet-18, with a short training."""
    (member,) = Recipe.named(f"{name}-resnet18").panel.members
    module: Any = member.module
    return replace(module, **SHORT.get(name, {}))


def draw_features() -> FeatureSet:
    """Return random features of the shape of a ResNet-18's: not negative, smooth over the grid, in half precision."""
    generator = torch.Generator().manual_seed(0)
    scales, arrays = [], []
    for name, (channels, side) in SHAPES.items():
        coarse = torch.randn(IMAGES, channels, side // 4, side // 4, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
        noise = torch.randn(smooth.shape, generator=generator)
        arrays.append((smooth + 0.3 * noise).relu().half().numpy())
        scales.append(Scale(name, tuple(map(str, range(channels))), half=True))
    return FeatureSet(tuple(scales), tuple(arrays), np.arange(IMAGES), CPU)


def run_help() -> None:
    subprocess.run([Path(sys.executable).with_name("unoqa"), "--help"], check=True, capture_output=True)
