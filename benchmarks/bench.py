"""Speed and memory of unoqa beside an earlier commit and beside anomalib: whole processes, from files to files.

    python benchmarks/bench.py [--images 1000] [--repeats 3] [--only encode]

DATA holds `images/` and `grades.csv` with columns image,grade,device. The images to grade are real ones, turned and
mirrored until there are enough. The earlier commit and the peer get an environment of their own below build/, once. The
command writes benchmarks/RESULTS.md after each row.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

from speed.groups import GROUPS
from speed.images import copy_outstanding, make_images
from speed.machine import describe_machine, list_versions
from speed.programs import BEFORE, find_versions, install_before, install_peer
from speed.report import format_report
from speed.rows import FEW, Bench, Row

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
SHARED = HERE.parent.parent / "shared"

PATHS = ("--data", "--weights", "--before-python", "--peer-python", "--output")
"""Options that the published command leaves out."""


def main() -> None:
    arguments = parse_arguments()
    bench = prepare(arguments)
    facts = {
        "command": format_command(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **describe_machine(),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        **list_versions(),
        "peer": find_versions(bench.peer, ("anomalib", "torch")),
        "images": f"{arguments.fit} to fit on, {arguments.images} to grade",
        "repeats": str(arguments.repeats),
    }
    left_out = [name for name in GROUPS if name not in arguments.only]
    rows: list[Row] = []
    for row in (row for name in arguments.only for row in GROUPS[name](bench)):
        rows.append(row)
        facts["load at the end"] = f"{os.getloadavg()[0]:.1f}"
        arguments.output.write_text(format_report(facts, rows, left_out), encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "octa")
    weights = SHARED / "encoders" / "resnet18_layers123.safetensors"
    parser.add_argument("--weights", type=Path, default=weights, help="weights of ResNet-18, for all programs")
    parser.add_argument("--only", nargs="+", default=list(GROUPS), choices=list(GROUPS), help="groups of rows")
    parser.add_argument("--fit", type=int, default=80, help="outstanding images to fit on")
    parser.add_argument("--images", type=int, default=1000, help="images to grade")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program; their median counts")
    parser.add_argument("--before-python", type=Path, help=f"Python of an environment with unoqa at {BEFORE}")
    parser.add_argument("--peer-python", type=Path, help="Python of an environment with anomalib")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    return parser.parse_args()


def prepare(arguments: argparse.Namespace) -> Bench:
    """Find or install the programs, and make the images."""
    work, fit = BUILD / "bench", arguments.fit
    return Bench(
        now=Path(sys.executable),
        before=arguments.before_python or install_before(BUILD / "before"),
        peer=arguments.peer_python or install_peer(BUILD / "peer"),
        weights=arguments.weights,
        work=work,
        fit=copy_outstanding(arguments.data, work / "fit", fit),
        few=make_images(arguments.data, work / "few", FEW, leave_out=fit),
        many=make_images(arguments.data, work / "many", arguments.images, leave_out=fit),
        repeats=arguments.repeats,
    )


def format_command() -> str:
    """Return this command without paths, which differ between machines."""
    words, hidden = ["python", "benchmarks/bench.py"], False
    for word in sys.argv[1:]:
        if not hidden and word.split("=")[0] not in PATHS:
            words.append(word)
        hidden = word in PATHS
    return shlex.join(words)


if __name__ == "__main__":
    main()
