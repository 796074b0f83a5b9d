"""Time, memory and accuracy of unoqa beside its peer anomalib, in one run, as whole processes from files to files.

    python benchmarks/bench.py [--rows cflow padim] [--growth] [--quick]

DATA holds `images/` and `grades.csv` with columns image,grade,device. Writes benchmarks/RESULTS.md, results.png and
results.json. The peer gets an environment of its own, below build/. Steps that were done stay done: the same command
goes on where a killed one stopped; --fresh begins anew.
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
from speed.images import DEVICE, drawn
from speed.kept import Kept, fingerprint
from speed.machine import machine, versions
from speed.measured import Bench, measure
from speed.others import growth, small
from speed.picture import draw
from speed.programs import PEER_PROGRAM, peer_environment, peer_versions
from speed.report import written
from speed.rows import ROWS

HERE = Path(__file__).resolve().parent

BUILD = HERE.parent / "build"

MEASURING = tuple(
    HERE / "speed" / f"{name}.py"
    for name in ("images", "process", "rows", "programs", "measured", "others", "arithmetic", "single")
)
"""Parts by which figures may change; the others only show them."""

PLACES = ("--data", "--weights", "--peer-python", "--output")
"""Options that a published command is told without."""

QUICK = {"fit": 20, "grade": (6, 6, 6), "repeats": 1, "epochs": (1,)}
"""What --quick measures with, unless told otherwise: to see that everything runs, not for figures."""

FULL = {"fit": 80, "grade": (39, 81, 80), "repeats": 3, "epochs": ()}


def main() -> None:
    arguments = parsed()
    bench = opened(arguments)
    document: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": command(),
        "machine": machine(),
        "versions": versions(),
        "peer_versions": peer_versions(bench.peer_python),
        "images": {"device": DEVICE, "fitted": bench.cohort.fitted, "mix": arguments.grade},
        "repeats": bench.repeats,
        "rows": {},
    }
    for name in arguments.rows:
        document["rows"][name] = measure(ROWS[name], bench)
        publish(document, arguments.output)
    document["small"] = small(bench)
    if arguments.growth:
        document["growth"] = growth(bench)
    publish(document, arguments.output)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "octa")
    weights = HERE.parent.parent / "shared" / "encoders" / "resnet18_layers123.safetensors"
    parser.add_argument("--weights", type=Path, default=weights, help="of ResNet-18, for both programs")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--fit", type=int, help="outstanding images to fit on")
    parser.add_argument("--grade", type=int, nargs=3, help="outstanding, gradable, ungradable images to grade")
    parser.add_argument("--repeats", type=int, help="pairs of runs")
    parser.add_argument("--epochs", type=int, nargs="*", help="lengths of the peer's training to choose from")
    parser.add_argument("--growth", action="store_true", help="grade up to 5,000 images too")
    parser.add_argument("--quick", action="store_true", help="few images, one pair: to see that it runs")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    parser.add_argument("--peer-python", type=Path, help="of an environment that has anomalib")
    parser.add_argument("--output", type=Path, help="folder of RESULTS.md and its company [benchmarks/]")
    arguments = parser.parse_args()
    for name, value in (QUICK if arguments.quick else FULL).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.growth &= not arguments.quick
    # What --quick finds is no result; it stays out of the way of those that are.
    arguments.output = arguments.output or (BUILD / "bench" / "quick" if arguments.quick else HERE)
    return arguments


def opened(arguments: argparse.Namespace) -> Bench:
    """Draw the images, find the peer, and open the file of steps."""
    if arguments.fresh:
        shutil.rmtree(BUILD / "bench", ignore_errors=True)
    python = arguments.peer_python or peer_environment(BUILD / "peer")
    counts = "-".join(map(str, (arguments.fit, *arguments.grade)))
    work = BUILD / "bench" / counts
    kept = Kept(
        BUILD / "bench" / "results.json",
        f"images {counts}, threads {torch.get_num_threads()}, peer {fingerprint(PEER_PROGRAM)}",
    )
    return Bench(
        drawn(arguments.data, work, arguments.fit, tuple(arguments.grade)),
        arguments.weights,
        python,
        work,
        kept,
        kept.under(f"source {fingerprint(HERE.parent / 'src', *MEASURING)}"),
        arguments.repeats,
        tuple(sorted(arguments.epochs)),
    )


def command() -> str:
    """Return the command without places of files, which are this machine's own."""
    words = ["python", "benchmarks/bench.py"]
    hidden = False
    for word in sys.argv[1:]:
        if not hidden and word.split("=")[0] not in PLACES:
            words.append(word)
        hidden = word in PLACES
    return shlex.join(words)


def publish(document: dict[str, Any], folder: Path) -> None:
    """Write the figures, the report and the picture; after each row, so that a killed run leaves what it found."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(written(document), encoding="utf-8")
    if document["rows"]:
        draw(document["rows"], folder / "results.png")


if __name__ == "__main__":
    main()
