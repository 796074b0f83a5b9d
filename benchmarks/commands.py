"""Time whole commands as a user types them, from the start of the program to its end; the table of the README.

    python benchmarks/commands.py --data ../shared/octa --weights ../shared/encoders/resnet18_layers123.safetensors

Images are real ones of the device rossa (320×320 pixels): 80 outstanding ones to fit on, 621 others to grade, or 200 of
them. The medians of --repeats runs on as many threads as the machine has cores. Memory is the most private memory of a
command and its processes, without pages of mapped files. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from speed.images import copy_outstanding, make_images
from speed.machine import describe_machine
from speed.process import CompletedRun, log, run

Words = tuple[str | Path, ...]

FITTED, GRADED, FEW = 80, 621, 200
"""Images to fit on, images to grade, and how many a flow grades."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="a ResNet-18 from a file")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    facts = describe_machine()
    print(f"{facts['processor']}, {facts['cores']} cores, load at the start {os.getloadavg()[0]:.1f}\n")
    print("| command | time | seconds of a processor | memory |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for title, words in list_commands(given, Path(folder)):
            runs = [run_anew(words) for _ in range(given.repeats)]
            seconds, processor, memory = (
                median(getattr(one, name) for one in runs) for name in ("seconds", "processor", "memory")
            )
            print(f"| {title} | {seconds:.1f} s | {processor:.1f} | {memory / 1e9:.1f} GB |", flush=True)
    log(f"Load at the end {os.getloadavg()[0]:.1f}.")


def list_commands(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Words]]:
    """Make the images and yield the commands, whose last word is their output; a command may read an earlier one's."""
    good = copy_outstanding(given.data, folder / "outstanding", FITTED)
    all_images = make_images(given.data, folder / "clinic", GRADED, leave_out=FITTED)
    some_images = make_images(given.data, folder / "few", FEW, leave_out=FITTED)
    results = ("-o", folder / "results")
    for recipe in ("measures", "default"):
        model = folder / f"{recipe}-model"
        fit, grade = ("fit", good, "--recipe", recipe), ("grade", all_images, "-m", model)
        yield f"`unoqa fit`, {FITTED} images, `{recipe}`", (*fit, "-o", model)
        yield "the same, `--no-selftest`", (*fit, "--no-selftest", "-o", folder / "other-model")
        yield f"`unoqa grade`, {GRADED} images, `{recipe}`, with heat and report", (*grade, *results)
        yield "the same, `--no-heat --no-report`", (*grade, "--no-heat", "--no-report", *results)
    flow, model = ("--recipe", "cflow-resnet18", "--encoder-weights", given.weights), folder / "flow-model"
    yield f"`unoqa fit`, {FITTED} images, `cflow-resnet18`", ("fit", good, *flow, "-o", model)
    grade = ("grade", some_images, "-m", model, "--no-heat")
    yield f"`unoqa grade --no-heat`, {FEW} images, the same", (*grade, *results)
    yield "`unoqa demo`", ("demo", folder / "demo")
    quick = ("--encoder", "resnet18.tv_in1k", "--encoder-weights", given.weights, "--quick")
    yield "`unoqa reproduce --quick`", ("reproduce", given.data, *quick, "-o", folder / "tables")


def run_anew(words: Words) -> CompletedRun:
    """Run a command whose output is not there yet."""
    shutil.rmtree(words[-1], ignore_errors=True)
    return run([Path(sys.executable).parent / "unoqa", *words])


if __name__ == "__main__":
    main()
