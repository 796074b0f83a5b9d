"""Whether something became slower: times counted in a yardstick's, beside those kept in benchmarks/quick.json.

    python benchmarks/quick.py [--keep]

Needs no images, no weights, no peer, and runs on one thread. A figure is the time of ours divided by the time of a
fixed piece of arithmetic measured beside it, so that it depends little on the machine. Ends with status 1, naming them,
where figures are more than 1.5 times those kept; --keep keeps the figures found.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from speed.machine import versions
from speed.quick_figures import figures
from speed.yardstick import Yardstick

KEPT = Path(__file__).with_name("quick.json")

SLOWER = 1.5
"""Times the kept figure above which something became slower; yardsticks of other machines differ by less."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/quick.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kept = json.loads(KEPT.read_text(encoding="utf-8"))["figures"] if KEPT.exists() else {}
    print("| figure | yardsticks | kept | now / kept |\n|---|---|---|---|", flush=True)
    found = {}
    for name, value in figures(Yardstick()):
        found[name] = value
        before = f"{kept[name]:.2f} | {value / kept[name]:.2f}" if name in kept else "– | –"
        print(f"| {name} | {value:.2f} | {before} |", flush=True)
    if arguments.keep:
        document = {"versions": versions(), "figures": {name: round(value, 3) for name, value in found.items()}}
        KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return
    if not kept:
        sys.exit("No figures are kept to compare with; run `python benchmarks/quick.py --keep` once.")
    slower = [name for name, value in found.items() if name in kept and value > SLOWER * kept[name]]
    if slower:
        sys.exit(f"More than {SLOWER} times slower than kept: {', '.join(slower)}.")


if __name__ == "__main__":
    main()
