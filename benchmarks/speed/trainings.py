"""A pass of training as published, by unoqa and by anomalib: whole fits of few and of more passes, less each other."""

from __future__ import annotations

import re
import shutil
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from speed.programs import Peer, Unoqa
from speed.rows import Bench, Row, take_turns

PASSES = 1, 3
"""Passes of the short and of the long fit; what lies between them is training alone."""

IMAGES = 20
"""Outstanding images, since a pass takes the peer seconds an image."""


@dataclass(frozen=True)
class Training:
    """One flow as published, on a ResNet-18.

    Attributes:
        recipe: ours, on a Wide-ResNet-50; it gets the layers and no rotation of images, as the peer has none.
        layers: that both read.
        peer: anomalib's name.
        options: anomalib's, so that it reads these layers and trains as CFLOW-AD did.
    """

    recipe: str
    layers: tuple[int, ...]
    peer: str
    options: Mapping[str, object]


AS_CFLOW_AD = {"layers": ["layer2", "layer3"], "fiber_batch_size": 256, "permute_soft": True}

TRAININGS = {
    "CFLOW": Training("paper-original", (2, 3), "Cflow", AS_CFLOW_AD),
    "FastFlow": Training("paper-fastflow-original", (1, 2, 3), "Fastflow", {}),
}


def compare_trainings(bench: Bench) -> Iterator[Row]:
    """Yield the milliseconds of a pass over one image, ours and the peer's; ours trains on half of the images."""
    images = copy_some(bench.fit, bench.work / "train")
    for name, training in TRAININGS.items():
        times: tuple[list[float], list[float]] = ([], [])
        for passes in PASSES:
            recipe = write_recipe(training, passes, bench.work / f"{training.recipe}-{passes}.toml")
            ours = Unoqa(bench.now, str(recipe), bench.weights, bench.work / "training", ("--no-selftest",))
            work = bench.work / "peer-training"
            peer = Peer(bench.peer, bench.weights, work, training.peer, training.options, passes)
            runs = take_turns(
                lambda ours=ours: ours.fit(images), lambda peer=peer: peer.fit(images), bench, f"train {name}"
            )
            for side, both in zip(times, runs, strict=True):
                side.append(statistics.median(one.seconds for one in both))
        one, other = (
            1000 * (long - short) / ((PASSES[1] - PASSES[0]) * count)
            for (short, long), count in zip(times, (IMAGES // 2, IMAGES), strict=True)
        )
        title = f"train {name} as published, a pass over one image; anomalib"
        yield Row(title, f"{one:.0f} ms", f"{other:.0f} ms", other / one, 1.0)


def copy_some(images: Path, folder: Path) -> Path:
    """Copy as many images as are trained on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(images.iterdir())[:IMAGES]:
        shutil.copy(path, folder / path.name)
    return folder


def write_recipe(training: Training, passes: int, path: Path) -> Path:
    """Write the recipe for as many passes, of one module that is fitted on half of the images."""
    text = (files("unoqa.grader") / "recipes" / f"{training.recipe}.toml").read_text(encoding="utf-8")
    for old, new in (
        (r'final = "refit"', 'final = "held-out"'),
        (r'model = "[^"]+", layers = \[[^]]+\]', f'model = "resnet18.tv_in1k", layers = {list(training.layers)}'),
        (r"epochs = \d+", f"epochs = {passes}"),
        (r"rotation = [\d.]+", "rotation = 0.0"),
    ):
        text = re.sub(old, new, text)
    path.write_text(text, encoding="utf-8")
    return path
