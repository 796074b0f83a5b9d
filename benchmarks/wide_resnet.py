"""Time and memory of the paper's encoder and modules at the paper's size, with random weights: 1,000 images of 320×320.

    python benchmarks/wide_resnet.py [--encoded 24] [--recipes paper paper-padim] [--share 0.1]

A few images are encoded, and their features stand for those of all images: a module reads as many. As many folds are
fitted side by side as there are threads, as `unoqa fit` does. CFLOW is fitted on two shares of its fibres, and FastFlow
for one epoch on two shares of the images; the whole is extrapolated from both. The other modules are fitted in full.
Each recipe runs in a process of its own, whose memory is measured as in benchmarks/bench.py: without mapped files.
Speed does not depend on the values of the weights; accuracy does, and is not measured. The table goes to stdout.
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
from speed.random_weights import draw_weights

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.core.allocation import release_freed_memory, use_one_arena
from unoqa.core.contracts import FittedModule, LowQualityModule, OpenEncoder
from unoqa.core.features import FeatureSet
from unoqa.core.parallel import map_in_order
from unoqa.encoders.timm import Timm
from unoqa.formats import ImageReference, collect, read
from unoqa.grader.devices import find_device
from unoqa.grader.findings import FittedFindings
from unoqa.grader.open_encoders import MEASURES_ENCODER
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.store.workspace import Workspace

IMAGES = 1000
"""About the number of outstanding images in the paper's training set, 961."""

RECIPES = ("paper", "paper-fastflow", "paper-padim", "paper-patchcore")

GRADED = 12
"""Number of images graded to measure the time of one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoded", type=int, default=24, help="number of images that are encoded")
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--share", type=float, default=0.1, help="of a flow's training that is run")
    parser.add_argument("--one", choices=list(RECIPES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_recipe(arguments.one, arguments)))
        return
    print(
        f"{arguments.images} images, {arguments.device}, {torch.get_num_threads()} threads, torch {torch.__version__}\n"
    )
    print(
        "| recipe | encode, ms | predict by one module, ms | from file to score and reasons, ms | encoder's share "
        "| fit a module, s | memory, GB |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.recipes:
        completed = run([sys.executable, *sys.argv, "--one", name])
        times = json.loads(completed.output.splitlines()[-1])
        print(
            f"| `{name}` | {times['encode']:.0f} | {times['predict']:.0f} | {times['whole']:.0f} "
            f"| {times['encode'] / times['whole']:.2f} | {times['fit']:.0f} | {completed.memory / 1e9:.2f} |",
            flush=True,
        )


def measure_recipe(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit one recipe's module and grade by it; return seconds of the fit, and milliseconds per image on one thread."""
    use_one_arena()  # as `unoqa fit` does
    device = find_device(arguments.device)
    panel = Recipe.named(name).panel
    (member,) = panel.members
    settings = member.encoder
    assert isinstance(settings, Timm)
    with tempfile.TemporaryDirectory() as folder, Workspace() as workspace:
        weights = Path(folder) / "random.safetensors"
        safetensors.torch.save_file(draw_weights(settings), weights)
        encoder = settings.open(device=device, weights=weights)
        for seed in range(arguments.encoded):
            scan = draw_angiogram(np.random.default_rng(seed), size=320)
            Image.fromarray((255 * scan).astype(np.uint8)).save(Path(folder) / f"{seed:03}.png")
        references = collect([Path(folder)]).references
        files, measures = workspace.open_features("random", encoder.scales), MEASURES_ENCODER.open(device=device)
        for reference in references:
            files.add(encoder.encode(read(reference).resize(320)[None]), reference.name)
        features = files.read(np.resize(np.arange(arguments.encoded), arguments.images).tolist(), device)
        release_freed_memory()  # as `unoqa fit` does
        side_by_side = min(torch.get_num_threads(), panel.folds)
        module, seconds = fit_extrapolated(member.module, features, arguments.share, device, side_by_side)
        torch.set_num_threads(1)
        reasons = fit_findings(workspace, measures, references, device)
        images = [read(reference).resize(320)[None] for reference in references[:GRADED]]
        pyramids = [encoder.encode(image) for image in images]
        grade = partial(grade_file, encoder, module, measures, reasons)
        return {
            "encode": median_milliseconds(encoder.encode, images, device),
            "predict": median_milliseconds(module.predict, pyramids, device),
            "whole": median_milliseconds(grade, references[:GRADED], device),
            "fit": seconds,
        }


def fit_extrapolated(
    module: LowQualityModule, features: FeatureSet, share: float, device: torch.device, side_by_side: int
) -> tuple[FittedModule, float]:
    """Return a module and the seconds of a whole fit; extrapolated for a flow from two shares of its training."""
    if not isinstance(module, Cflow | Fastflow):
        return time_on_device(lambda: fit_folds(module, features, side_by_side), device)
    fits: list[tuple[LowQualityModule, FeatureSet]]
    if isinstance(module, Cflow):
        whole, parts = module.fibres, two_shares(module.fibres, share)
        fits = [(replace(module, fibres=part, patience=0), features) for part in parts]
    else:
        whole, parts = module.epochs * len(features), two_shares(len(features), share)
        flow = replace(module, epochs=1, patience=0)
        fits = [(flow, features.subset(np.arange(part))) for part in parts]
    (_, short), (fitted, long) = (time_on_device(partial(fit_folds, *fit, side_by_side), device) for fit in fits)
    return fitted, short + (whole - parts[0]) * (long - short) / (parts[1] - parts[0])


def two_shares(whole: int, share: float) -> tuple[int, int]:
    return round(whole * share), round(whole * share * 2)


def fit_folds(module: LowQualityModule, features: FeatureSet, count: int) -> FittedModule:
    """Fit as often as folds are fitted at once; keep all modules until the last fit ends, and return the first."""
    with map_in_order(lambda seed: module.fit(features, seed=seed), range(count)) as modules:
        first, *_ = modules
        return first


def fit_findings(
    workspace: Workspace, measures: OpenEncoder, references: Sequence[ImageReference], device: torch.device
) -> FittedFindings:
    files = workspace.open_features("measures", measures.scales)
    for reference in references:
        files.add(measures.encode(read(reference).resize(320)[None]), reference.name)
    return FittedFindings.fit(files.read(list(range(len(references))), device))


def grade_file(
    encoder: OpenEncoder,
    module: FittedModule,
    measures: OpenEncoder,
    findings: FittedFindings,
    reference: ImageReference,
) -> None:
    """Do all that `unoqa grade` does with one refused image, from its file on."""
    image = read(reference)
    image.digest()
    pixels = image.resize(320)[None]
    float(module.predict(encoder.encode(pixels)).score[0])
    findings.find(measures.encode(pixels))


def median_milliseconds(work: Callable[[Any], Any], items: Sequence[Any], device: torch.device) -> float:
    """Return the median milliseconds per item; the first item is done once before, to warm up."""
    work(items[0])
    return 1000 * statistics.median(time_on_device(partial(work, item), device)[1] for item in items)


def time_on_device(work: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Return the result and the seconds, with the time until the device has finished."""
    started = time.monotonic()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return result, time.monotonic() - started


if __name__ == "__main__":
    main()
