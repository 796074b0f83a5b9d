"""Find slow-downs: compare times with those kept in benchmarks/quick.json.

    python benchmarks/quick.py [--keep]

It needs no images, no weights and no peer, and runs on one thread. Each time is divided by that of a yardstick: a fixed
piece of arithmetic, measured beside it. The ratio does not depend on how fast the machine is, but on what its processor
is fast at. So ratios are kept per processor and vector width, and compared on the same kind only. The status is 1 if a
ratio is more than 1.4 times the kept one (the message names it), or if none is kept for this processor. --keep writes
the ratios: run it on the code before your change.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from speed.machine import describe_machine, list_versions
from speed.quick_timings import measure_all
from speed.yardstick import Yardstick

KEPT = Path(__file__).with_name("quick.json")

SLOWER = 1.4
"""A ratio above this multiple of the kept one is a slow-down; most ratios vary by about a tenth between runs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/quick.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    document = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    here = describe_machine()
    processor = f"{here['processor']}, {here['vectors']}"
    kept = document.get(processor, {}).get("figures", {})
    if not kept and not arguments.keep:
        sys.exit(
            f"No ratios are kept for the processor '{processor}'; run `python benchmarks/quick.py --keep` on the code "
            "before your change, then run it without --keep on the code after it."
        )
    print("| work | yardsticks | kept | now / kept |\n|---|---|---|---|", flush=True)
    ratios = {}
    for name, value in measure_all(Yardstick()):
        ratios[name] = value
        before = f"{kept[name]:.2f} | {value / kept[name]:.2f}" if name in kept else "– | –"
        print(f"| {name} | {value:.2f} | {before} |", flush=True)
    if arguments.keep:
        document[processor] = {
            "versions": list_versions(),
            "figures": {name: round(value, 3) for name, value in ratios.items()},
        }
        KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return
    slower = [name for name, value in ratios.items() if name in kept and value > SLOWER * kept[name]]
    if slower:
        sys.exit(f"More than {SLOWER} times slower than kept: {', '.join(slower)}.")


if __name__ == "__main__":
    main()
