"""Whether something became slower: times counted in a yardstick's, beside those kept in benchmarks/quick.json.

    python benchmarks/quick.py [--keep]

Needs no images, no weights, no peer, and runs on one thread. A figure is the time of ours divided by the time of a
fixed piece of arithmetic measured beside it, so that it does not depend on how fast a machine is; yet it does on what
its processor is fast at, so figures are kept by processor and its vectors, and compare on one of the same alone. Ends
with status 1, naming them, where figures are more than 1.4 times those kept, or where none are kept for this
processor: --keep keeps those found, so run it on the code before a change first.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from speed.machine import machine, versions
from speed.quick_figures import figures
from speed.yardstick import Yardstick

KEPT = Path(__file__).with_name("quick.json")

SLOWER = 1.4
"""Times the kept figure above which something became slower: from run to run, most figures differ by a tenth."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/quick.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    document = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    here = machine()
    processor = f"{here['processor']}, {here['vectors']}"
    kept = document.get(processor, {}).get("figures", {})
    if not kept and not arguments.keep:
        sys.exit(
            f"No figures are kept for the processor '{processor}'; run `python benchmarks/quick.py --keep` on the code "
            "before your change, then this again on the code after it."
        )
    print("| figure | yardsticks | kept | now / kept |\n|---|---|---|---|", flush=True)
    found = {}
    for name, value in figures(Yardstick()):
        found[name] = value
        before = f"{kept[name]:.2f} | {value / kept[name]:.2f}" if name in kept else "– | –"
        print(f"| {name} | {value:.2f} | {before} |", flush=True)
    if arguments.keep:
        document[processor] = {
            "versions": versions(),
            "figures": {name: round(value, 3) for name, value in found.items()},
        }
        KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return
    slower = [name for name, value in found.items() if name in kept and value > SLOWER * kept[name]]
    if slower:
        sys.exit(f"More than {SLOWER} times slower than kept: {', '.join(slower)}.")


if __name__ == "__main__":
    main()
