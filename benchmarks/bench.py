"""Time, memory and accuracy of unoqa and its peer anomalib, in one run, as whole processes from files to files.

    python benchmarks/bench.py [--rows cflow padim] [--growth] [--quick]

DATA holds `images/` and `grades.csv` with columns image,grade,device. The command writes benchmarks/RESULTS.md,
results.png and results.json. The peer gets its own environment, below build/. Finished steps are kept: after a kill,
the same command continues; --fresh starts again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from speed.comparison import Bench, measure_row
from speed.images import DEVICE, draw_cohort
from speed.machine import describe_machine, list_versions
from speed.picture import draw_picture
from speed.programs import PEER_PROGRAM, find_peer_versions, install_peer
from speed.report import format_report
from speed.rows import ROWS
from speed.step_cache import StepCache, compute_fingerprint
from speed.unoqa_alone import measure_growth, measure_short_runs

HERE = Path(__file__).resolve().parent

BUILD = HERE.parent / "build"

MEASURING = tuple(
    HERE / "speed" / f"{name}.py"
    for name in ("images", "process", "rows", "programs", "comparison", "unoqa_alone", "arithmetic", "single")
)
"""Files on which the results depend; the others only show them."""

PATH_OPTIONS = ("--data", "--weights", "--peer-python", "--output")
"""Options that the published command leaves out."""

QUICK = {"fit": 20, "grade": (6, 6, 6), "repeats": 1, "epochs": (1,)}
"""Defaults of --quick, which shows that everything runs; its results mean nothing."""

FULL = {"fit": 80, "grade": (39, 81, 80), "repeats": 3, "epochs": ()}
"""Defaults without --quick."""


def main() -> None:
    arguments = parse_arguments()
    bench = prepare(arguments)
    document: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": format_command(),
        "machine": describe_machine(),
        "versions": list_versions(),
        "peer_versions": find_peer_versions(bench.peer_python),
        "images": {"device": DEVICE, "fitted": bench.cohort.fit_count, "mix": arguments.grade},
        "repeats": bench.repeats,
        "rows": {},
    }
    for name in arguments.rows:
        document["rows"][name] = measure_row(ROWS[name], bench)
        publish(document, arguments.output)
    document["short_runs"] = measure_short_runs(bench)
    if arguments.growth:
        document["growth"] = measure_growth(bench)
    publish(document, arguments.output)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "octa")
    weights = HERE.parent.parent / "shared" / "encoders" / "resnet18_layers123.safetensors"
    parser.add_argument("--weights", type=Path, default=weights, help="weights of ResNet-18, for both programs")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--fit", type=int, help="outstanding images to fit on")
    parser.add_argument("--grade", type=int, nargs=3, help="outstanding, gradable, ungradable images to grade")
    parser.add_argument("--repeats", type=int, help="number of pairs of runs")
    parser.add_argument("--epochs", type=int, nargs="*", help="lengths of the peer's training to choose from")
    parser.add_argument("--growth", action="store_true", help="also grade up to 5,000 images")
    parser.add_argument("--quick", action="store_true", help="few images and one pair, to see that it runs")
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument("--peer-python", type=Path, help="Python of an environment with anomalib")
    parser.add_argument("--output", type=Path, help="folder for RESULTS.md, results.json and results.png [benchmarks/]")
    arguments = parser.parse_args()
    for name, value in (QUICK if arguments.quick else FULL).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.growth &= not arguments.quick
    # The output of --quick must not replace real results.
    arguments.output = arguments.output or (BUILD / "bench" / "quick" if arguments.quick else HERE)
    return arguments


def prepare(arguments: argparse.Namespace) -> Bench:
    """Draw the images, find or install the peer, and open the cache of steps."""
    if arguments.fresh:
        shutil.rmtree(BUILD / "bench", ignore_errors=True)
    python = arguments.peer_python or install_peer(BUILD / "peer")
    counts = "-".join(map(str, (arguments.fit, *arguments.grade)))
    work = BUILD / "bench" / counts
    cache = StepCache(
        BUILD / "bench" / "results.json",
        f"images {counts}, threads {torch.get_num_threads()}, peer {compute_fingerprint(PEER_PROGRAM)}",
    )
    return Bench(
        draw_cohort(arguments.data, work, arguments.fit, tuple(arguments.grade)),
        arguments.weights,
        python,
        work,
        cache,
        cache.with_conditions(f"source {compute_fingerprint(HERE.parent / 'src', *MEASURING)}"),
        arguments.repeats,
        tuple(sorted(arguments.epochs)),
    )


def format_command() -> str:
    """Return this command without paths, which differ between machines."""
    words = ["python", "benchmarks/bench.py"]
    hidden = False
    for word in sys.argv[1:]:
        if not hidden and word.split("=")[0] not in PATH_OPTIONS:
            words.append(word)
        hidden = word in PATH_OPTIONS
    return shlex.join(words)


def publish(document: dict[str, Any], folder: Path) -> None:
    """Write results, report and picture. Called after each row, so that a killed run leaves what it measured."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(format_report(document), encoding="utf-8")
    if document["rows"]:
        draw_picture(document["rows"], folder / "results.png")


if __name__ == "__main__":
    main()
