"""Time and memory of the paper's encoder and modules at the paper's size, by random weights: 961 images of 320×320.

    python benchmarks/wide_resnet.py [--encoded 24] [--modules cflow fastflow padim patchcore] [--share 0.1]

A few images are encoded for real, and their features stand for those of 961: a module reads as many. A flow learns for
two shares of its budget, from which the whole is extrapolated; the other modules learn whole. Speed does not depend on
what the weights are; accuracy does, and is not measured. The table goes to stdout.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from unoqa.benchmark.phantom.anatomy import angiogram
from unoqa.core.contracts import LowQualityModule
from unoqa.core.features import FeatureSet
from unoqa.encoders.timm import Timm
from unoqa.grader.devices import device_of
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.store.workspace import Workspace

IMAGES = 961
"""Outstanding images of the paper's training set."""

RECIPES = {
    "cflow": "paper",
    "fastflow": "paper-fastflow",
    "padim": "paper-padim",
    "patchcore": "paper-patchcore",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoded", type=int, default=24, help="images encoded for real")
    parser.add_argument("--modules", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--share", type=float, default=0.1, help="of a flow's budget that is learned for real")
    arguments = parser.parse_args()
    device = device_of(arguments.device)
    print(f"{arguments.images} images, {device}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| recipe | encode, ms/image | learn a module, s | judge, ms/image | encode and learn, min | memory, GB |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in arguments.modules:
        measure(RECIPES[name], arguments.encoded, arguments.images, arguments.share, device)


def measure(recipe: str, encoded: int, images: int, share: float, device: torch.device) -> None:
    """Print the row of one recipe."""
    (member,) = Recipe.named(recipe).panel.members
    settings = member.encoder
    assert isinstance(settings, Timm)
    torch.manual_seed(0)
    encoder = settings.open(device=device, weights=settings._network().state_dict())
    pictures = [angiogram(np.random.default_rng(seed), size=320)[None] for seed in range(encoded)]
    with Workspace() as workspace:
        files = workspace.features("random", encoder.scales)
        encoder.encode(pictures[0])
        encode = []
        for number, picture in enumerate(pictures):
            pyramid, seconds = timed(lambda picture=picture: encoder.encode(picture), device)
            files.add(pyramid, str(number))
            encode.append(seconds)
        features = files.read(np.resize(np.arange(encoded), images).tolist(), device)
        module, learn = learned(member.module, features, share, device)
        judge = [timed(lambda one=one: module.evidence(one), device)[1] for one in some(features, 8)]
    one = statistics.median(encode)
    print(
        f"| `{recipe}` | {1000 * one:.0f} | {learn:.0f} | {1000 * statistics.median(judge):.0f} | "
        f"{(one * images + learn) / 60:.1f} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} |",
        flush=True,
    )


def learned(module: LowQualityModule, features: FeatureSet, share: float, device: torch.device) -> tuple[Any, float]:
    """Return the fitted module and the seconds of the whole budget: of a flow on a line through two shares of it."""
    if not isinstance(module, Cflow | Fastflow):
        return timed(lambda: module.fit(features, seed=0), device)
    field = "fibres" if isinstance(module, Cflow) else "passes"
    whole = getattr(module, field)
    parts = [max(1, round(whole * share * factor)) for factor in (1, 2)]
    settings: Any = module
    flows = [replace(settings, **{field: part}, patience=0) for part in parts]
    (_, short), (fitted, long) = (timed(lambda flow=flow: flow.fit(features, seed=0), device) for flow in flows)
    return fitted, short + (whole - parts[0]) * (long - short) / (parts[1] - parts[0])


def some(features: FeatureSet, count: int) -> list:
    batches = features.subset(np.arange(count)).batches(1)
    return list(batches)


def timed(work: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Run and time; an accelerator's queue is waited for."""
    started = time.monotonic()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return result, time.monotonic() - started


if __name__ == "__main__":
    main()
