"""Time and memory of the paper's encoder and modules at the paper's size, by random weights: 1,000 images of 320×320.

    python benchmarks/wide_resnet.py [--encoded 24] [--recipes paper paper-padim] [--share 0.1]

A few images are encoded for real, and their features stand for those of all: a module reads as many. As many folds are
learned side by side as there are threads, as `unoqa fit` does. CFLOW learns from two shares of its fibres and FastFlow
makes one pass over two shares of the images, from which the whole is extrapolated; the others learn whole. Each recipe
runs in a process of its own, whose memory is watched as by benchmarks/bench.py: what no file stands behind. Speed does
not depend on what the weights are; accuracy does, and is not measured. The table goes to stdout.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from speed.process import run
from speed.untrained import untrained

from unoqa.benchmark.phantom.anatomy import angiogram
from unoqa.core.allocation import release_freed_memory, use_one_arena
from unoqa.core.contracts import FittedModule, LowQualityModule, OpenEncoder
from unoqa.core.features import FeatureSet
from unoqa.core.parallel import map_in_order
from unoqa.encoders.timm import Timm
from unoqa.formats import ImageReference, collect, read
from unoqa.grader.devices import find_device
from unoqa.grader.open_encoders import MEASURES_ENCODER
from unoqa.grader.reasons import Reasons
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.store.workspace import Workspace

IMAGES = 1000
"""About as many as the paper's training set has outstanding ones: 961."""

RECIPES = ("paper", "paper-fastflow", "paper-padim", "paper-patchcore")

GRADED = 12
"""Images that are graded for the time of one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoded", type=int, default=24, help="images encoded for real")
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--share", type=float, default=0.1, help="of a flow's budget that is learned for real")
    parser.add_argument("--one", choices=list(RECIPES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one, arguments)))
        return
    print(
        f"{arguments.images} images, {arguments.device}, {torch.get_num_threads()} threads, torch {torch.__version__}\n"
    )
    print(
        "| recipe | encode, ms | judge by one module, ms | from file to score and reasons, ms | encoder's share "
        "| learn a module, s | memory, GB |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.recipes:
        ran = run([sys.executable, *sys.argv, "--one", name])
        found = json.loads(ran.said.splitlines()[-1])
        print(
            f"| `{name}` | {found['encode']:.0f} | {found['predict']:.0f} | {found['whole']:.0f} "
            f"| {found['encode'] / found['whole']:.2f} | {found['learn']:.0f} | {ran.memory / 1e9:.2f} |",
            flush=True,
        )


def measured(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Learn by one recipe's module, and grade by it; milliseconds are of one image on one thread."""
    use_one_arena()  # as `unoqa fit` does
    device = find_device(arguments.device)
    panel = Recipe.named(name).panel
    (member,) = panel.members
    settings = member.encoder
    assert isinstance(settings, Timm)
    with tempfile.TemporaryDirectory() as folder, Workspace() as workspace:
        weights = Path(folder) / "untrained.safetensors"
        safetensors.torch.save_file(untrained(settings), weights)
        encoder = settings.open(device=device, weights=weights)
        for seed in range(arguments.encoded):
            scan = angiogram(np.random.default_rng(seed), size=320)
            Image.fromarray((255 * scan).astype(np.uint8)).save(Path(folder) / f"{seed:03}.png")
        references = collect([Path(folder)]).references
        files, measures = workspace.features("random", encoder.scales), MEASURES_ENCODER.open(device=device)
        for reference in references:
            files.add(encoder.encode(read(reference).resized(320)[None]), reference.name)
        features = files.read(np.resize(np.arange(arguments.encoded), arguments.images).tolist(), device)
        release_freed_memory()  # as `unoqa fit` does
        side_by_side = min(torch.get_num_threads(), panel.folds)
        module, learn = learned(member.module, features, arguments.share, device, side_by_side)
        torch.set_num_threads(1)
        reasons = reasons_of(workspace, measures, references, device)
        images = [read(reference).resized(320)[None] for reference in references[:GRADED]]
        pyramids = [encoder.encode(image) for image in images]
        return {
            "encode": typical(encoder.encode, images, device),
            "judge": typical(module.predict, pyramids, device),
            "whole": typical(partial(graded, encoder, module, measures, reasons), references[:GRADED], device),
            "learn": learn,
        }


def learned(
    module: LowQualityModule, features: FeatureSet, share: float, device: torch.device, side_by_side: int
) -> tuple[FittedModule, float]:
    """Return a fitted module and the seconds of the whole budget: of a flow on a line through two shares of it."""
    if not isinstance(module, Cflow | Fastflow):
        return timed(lambda: folds(module, features, side_by_side), device)
    if isinstance(module, Cflow):
        whole, parts = module.fibres, shares(module.fibres, share)
        lessons = [(replace(module, fibres=part, patience=0), features) for part in parts]
    else:
        whole, parts = module.passes * len(features), shares(len(features), share)
        flow = replace(module, passes=1, patience=0)
        lessons = [(flow, features.subset(np.arange(part))) for part in parts]
    (_, short), (fitted, long) = (timed(partial(folds, *objective, side_by_side), device) for objective in lessons)
    return fitted, short + (whole - parts[0]) * (long - short) / (parts[1] - parts[0])


def shares(whole: int, share: float) -> tuple[int, int]:
    return round(whole * share), round(whole * share * 2)


def folds(module: LowQualityModule, features: FeatureSet, count: int) -> FittedModule:
    """Fit as many times as folds are learned at once, and keep all until the last has learned."""
    with map_in_order(lambda seed: module.fit(features, seed=seed), range(count)) as fitted:
        first, *_ = fitted
        return first


def reasons_of(
    workspace: Workspace, measures: OpenEncoder, references: Sequence[ImageReference], device: torch.device
) -> Reasons:
    files = workspace.features("measures", measures.scales)
    for reference in references:
        files.add(measures.encode(read(reference).resized(320)[None]), reference.name)
    return Reasons.fitted(files.read(list(range(len(references))), device))


def graded(
    encoder: OpenEncoder, module: FittedModule, measures: OpenEncoder, reasons: Reasons, reference: ImageReference
) -> None:
    """Do all that `unoqa grade` does with one image that is refused, from its file on."""
    image = read(reference)
    image.digest()
    pixels = image.resized(320)[None]
    float(module.predict(encoder.encode(pixels)).score[0])
    reasons.explain(measures.encode(pixels))


def typical(work: Callable[[Any], Any], items: Sequence, device: torch.device) -> float:
    """Return the median of the milliseconds an item, after one that warms up."""
    work(items[0])
    return 1000 * statistics.median(timed(partial(work, item), device)[1] for item in items)


def timed(work: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Run and time; an accelerator's queue is waited for."""
    started = time.monotonic()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return result, time.monotonic() - started


if __name__ == "__main__":
    main()
