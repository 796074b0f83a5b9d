"""Read thousands of damaged files of every kind, and tell what became of them.

    python tests/fuzzing/run.py [--files 10000] [--kinds png jpeg …] [-o fuzz.json]

A crash is an end of the process that reads, a hang a file that takes longer than the limit. Every file must end as an
image or with an error of its own; a file without either is unaccounted for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

HERE = Path(__file__).parent
LIMIT = 20.0
"""Seconds after which a file counts as one that hangs; a slow machine takes a tenth of that for the slowest."""

START = 300.0
"""Seconds for imports and the fit."""


@dataclass
class Tally:
    """What became of the damaged files of a kind."""

    files: int = 0
    crashes: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    unaccounted: list[int] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    read: int = 0
    damaged: int = 0
    passing: int = 0
    slowest: float = 0.0

    def add(self, line: dict[str, object]) -> None:
        self.files += 1
        self.slowest = max(self.slowest, line["seconds"])
        if not line["found"]:
            self.unaccounted.append(line["seed"])
        for one in line["found"]:
            if "error" in one:
                self.errors[one["error"]] += 1
            else:
                self.read += 1
                self.damaged += one["damaged"]
                self.passing += one["passes"]


def run_kind(kind: str, files: int, first: int = 0) -> Tally:
    """Read the damaged files of a kind; where the reading process ends early, another goes on after the file."""
    tally, seed = Tally(), first
    while seed < first + files:
        seed = run_process(kind, seed, first + files, tally)
    return tally


def run_process(kind: str, first: int, last: int, tally: Tally) -> int:
    """Let one process read the files from a seed on; return the seed to go on from."""
    command = [sys.executable, "-m", "fuzzing.child", kind, str(first), str(last)]
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as child:
        lines: Queue[str] = Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in [*child.stdout, ""]], daemon=True).start()
        seed, limit = first - 1, START
        while seed < last:
            try:
                line = lines.get(timeout=limit)
            except Empty:
                child.kill()
                tally.hangs.append(seed)
                tally.files += 1
                return seed + 1
            if not line:
                break
            if seed >= first:
                tally.add(json.loads(line))
            seed, limit = seed + 1, LIMIT
        if seed < last:
            if seed < first:
                raise SystemExit(f"The process that reads {kind} does not start.")
            tally.crashes.append(seed)
            tally.files += 1
        return seed + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))
    from fuzzing.samples import WRITERS  # noqa: PLC0415 - the path above leads there

    print("| kind | files | read | visibly damaged | of these outstanding | refused | slowest | crash, hang, lost |")
    print("|---|---|---|---|---|---|---|---|")
    tallies = {}
    for kind in given.kinds or WRITERS:
        tallies[kind] = one = run_kind(kind, given.files)
        bad = f"{len(one.crashes)}, {len(one.hangs)}, {len(one.unaccounted)}"
        refused = ", ".join(f"{code} {count}" for code, count in one.errors.most_common())
        numbers = f"{one.files} | {one.read} | {one.damaged} | {one.passing}"
        print(f"| {kind} | {numbers} | {refused} | {one.slowest:.2f} s | {bad} |", flush=True)
        if given.output:
            given.output.write_text(json.dumps({name: vars(tally) for name, tally in tallies.items()}, indent=1))


if __name__ == "__main__":
    main()
