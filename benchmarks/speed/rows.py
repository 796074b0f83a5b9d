"""The rows of the bench: pairs of programs that do the same work in turn, and the target of each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import safetensors.torch
import torch

from speed.process import CompletedRun, log, run
from speed.programs import BEFORE, Peer, Unoqa
from speed.random_weights import draw_weights
from unoqa.core.precision import find_usable
from unoqa.encoders.timm import Timm
from unoqa.grader.recipe import Recipe

Result = TypeVar("Result")
Pair = tuple[list[CompletedRun], list[CompletedRun]]

FEW = 10
"""Images of the short run, the fewest that a cohort takes: the start of a program is what it takes beside these."""

WIDE = "wide_resnet50_2.tv_in1k"

ENCODERS = {
    "ResNet-18, layers 2–3": (("resnet18.tv_in1k", "2", "3"), 0.9),
    "Wide-ResNet-50, layers 1–3": ((WIDE, "1", "2", "3"), 0.9),
    "EfficientNet-Lite2, levels 2–3": (("tf_efficientnet_lite2.in1k", "2", "3"), 1.8),
}
"""Model, its layers, and the target."""


@dataclass(frozen=True)
class Bench:
    """What every row works with.

    Attributes:
        fit: folder of outstanding images.
        few, many: folders of images to grade.
        repeats: how often each pair of runs is repeated.
    """

    now: Path
    before: Path
    peer: Path
    weights: Path
    work: Path
    fit: Path
    few: Path
    many: Path
    repeats: int


@dataclass(frozen=True)
class Row:
    """One line of the results.

    Attributes:
        one, other: what the two programs need, with the unit.
        ratio: of the other to the one: how many times faster, or how much less memory, unoqa has now; None where this
            machine cannot measure it.
        target: of the ratio, at least.
    """

    name: str
    one: str
    other: str
    ratio: float | None
    target: float


def compare_with_former_default(bench: Bench) -> Iterator[Row]:
    """Compare grading by `default` now with that of the earlier commit."""
    ours = Unoqa(bench.now, "default", _find_weights("default", bench), bench.work / "now")
    former = Unoqa(bench.before, "default", bench.weights, bench.work / "before")
    return _compare_grading("`default`", f"`default` at {BEFORE}", ours, former, bench, (1.2, 1.0, 1 / 1.1))


def compare_with_peer(bench: Bench) -> Iterator[Row]:
    """Compare grading by CFLOW with anomalib's."""
    ours = Unoqa(bench.now, "cflow-resnet18", bench.weights, bench.work / "cflow")
    peer = Peer(bench.peer, bench.weights, bench.work / "peer")
    return _compare_grading("CFLOW", "anomalib", ours, peer, bench, (4.0, 1.0, 1.0))


def compare_encoders(bench: Bench) -> Iterator[Row]:
    """Compare what one image takes to encode on one thread, now and at the earlier commit."""
    program = Path(__file__).with_name("encode.py")
    for name, (model, target) in ENCODERS.items():

        def encode(python: Path, model: tuple[str, ...] = model) -> float:
            return float(run([python, program, *model]).output.splitlines()[-1])

        one, other = take_turns(lambda: encode(bench.now), lambda: encode(bench.before), bench, f"encode, {name}")
        ratio = statistics.median(other) / statistics.median(one)
        shown = (f"{statistics.median(times):.1f} ms" for times in (one, other))
        yield Row(f"encode, one thread, {name}; at {BEFORE}", *shown, ratio, target)


def _compare_grading(
    name: str, other_name: str, ours: Unoqa, other: Unoqa | Peer, bench: Bench, targets: tuple[float, float, float]
) -> Iterator[Row]:
    """Compare images a second, the start, and the memory of grading; `targets` are in this order."""
    for program in (ours, other):
        log(f"fit, {name if program is ours else other_name}")
        program.fit(bench.fit)
    few = take_turns(lambda: ours.grade(bench.few), lambda: other.grade(bench.few), bench, f"few, {name}")
    many = take_turns(lambda: ours.grade(bench.many), lambda: other.grade(bench.many), bench, f"many, {name}")
    return _summarise(f"{name}; {other_name}", few, many, len(list(bench.many.iterdir())), targets)


def _summarise(title: str, few: Pair, many: Pair, count: int, targets: tuple[float, float, float]) -> Iterator[Row]:
    each = [(_seconds(long) - _seconds(short)) / (count - FEW) for short, long in zip(few, many, strict=True)]
    starts = [_seconds(short) - FEW * one for short, one in zip(few, each, strict=True)]
    memory = [max(one.memory for one in runs) / 1e6 for runs in many]
    work = [statistics.median(one.processor for one in runs) for runs in many]
    yield Row(f"grade, images a second, {title}", *(f"{1 / one:.1f}" for one in each), each[1] / each[0], targets[0])
    worked = (f"{one:.1f} s" for one in work)
    yield Row(f"grade {count} images, seconds of a processor, {title}", *worked, work[1] / work[0], targets[0])
    yield Row(f"start and end, {title}", *(f"{one:.2f} s" for one in starts), starts[1] / starts[0], targets[1])
    yield Row(f"memory to grade, {title}", *(f"{one:.0f} MB" for one in memory), memory[1] / memory[0], targets[2])


def compare_precisions(bench: Bench) -> Iterator[Row]:
    """Compare grading by `paper-padim` in bfloat16 with single precision."""
    name = "grade, `paper-padim` in bfloat16; in single precision"
    if find_usable("bfloat16", torch.device("cpu")) == "single":
        yield Row(name, "this processor does not multiply bfloat16", "–", None, 2.0)
        return
    weights = bench.work / "wide.safetensors"
    safetensors.torch.save_file(draw_weights(Timm(model=WIDE, layers=(1, 2, 3))), weights)
    programs = [
        Unoqa(bench.now, "paper-padim", weights, bench.work / precision, ("--precision", precision))
        for precision in ("bfloat16", "single")
    ]
    for program in programs:
        program.fit(bench.fit)
    rounded, single = programs
    runs = take_turns(lambda: rounded.grade(bench.many), lambda: single.grade(bench.many), bench, "precisions")
    one, other = map(_seconds, runs)
    yield Row(name, f"{one:.1f} s", f"{other:.1f} s", other / one, 2.0)


def take_turns(
    one: Callable[[], Result], other: Callable[[], Result], bench: Bench, name: str
) -> tuple[list[Result], list[Result]]:
    """Run both in turn, so that whatever slows the machine for a while slows both."""
    pairs = []
    for number in range(bench.repeats):
        log(f"{name}, {number + 1} of {bench.repeats}")
        pairs.append((one(), other()))
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _seconds(runs: list[CompletedRun]) -> float:
    return statistics.median(one.seconds for one in runs)


def _find_weights(recipe: str, bench: Bench) -> Path | None:
    """Return the weights file that a recipe needs; None where its encoder brings its own."""
    encoders: list[Mapping[str, object]] = [member["encoder"] for member in Recipe.named(recipe).to_values()["members"]]
    learned = [encoder for encoder in encoders if encoder["choice"] == "timm"]
    return bench.weights if learned and not any(encoder.get("package") for encoder in learned) else None
