"""A pass of training as published, by unoqa and by anomalib: whole fits of few and of more passes, less each other."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from speed.programs import Peer, Unoqa
from speed.rows import Bench, Row, take_turns

PASSES = 1, 3
"""Passes of the short and of the long fit; what lies between them is training alone."""


@dataclass(frozen=True)
class Training:
    """One flow as published, on a ResNet-18.

    Attributes:
        recipe: ours, on a Wide-ResNet-50; it gets the layers and no rotation of images, as the peer has none.
        peer: anomalib's name.
        layers: both read.
    """

    recipe: str
    peer: str
    layers: tuple[int, ...]


TRAININGS = {
    "CFLOW": Training("paper-original", "Cflow", (2, 3)),
    "FastFlow": Training("paper-fastflow-original", "Fastflow", (1, 2, 3)),
}


def compare_trainings(bench: Bench) -> Iterator[Row]:
    """Yield the milliseconds of a pass over one image, ours and the peer's; ours trains on half of the images."""
    count = len(list(bench.fit.iterdir()))
    for name, training in TRAININGS.items():
        times: tuple[list[float], list[float]] = ([], [])
        for passes in PASSES:
            recipe = write_recipe(training, passes, bench.work / f"{training.recipe}-{passes}.toml")
            ours = Unoqa(bench.now, str(recipe), bench.weights, bench.work / "training", ("--no-selftest",))
            layers = tuple(f"layer{number}" for number in training.layers)
            peer = Peer(bench.peer, bench.weights, bench.work / "peer-training", training.peer, layers, passes)
            runs = take_turns(
                lambda ours=ours: ours.fit(bench.fit), lambda peer=peer: peer.fit(bench.fit), bench, f"train {name}"
            )
            for side, both in zip(times, runs, strict=True):
                side.append(statistics.median(one.seconds for one in both))
        one, other = (
            1000 * (long - short) / ((PASSES[1] - PASSES[0]) * images)
            for (short, long), images in zip(times, (count - count // 2, count), strict=True)
        )
        title = f"train {name} as published, a pass over one image; anomalib"
        yield Row(title, f"{one:.0f} ms", f"{other:.0f} ms", other / one, 1.0)


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
