"""Time and memory of a large record: written, opened, and rendered as grades.csv.

    python benchmarks/record.py [--rows 100000]

Rows are made up: one in two is not outstanding and has a point and two findings. Each step is timed once, in this
process, by the clock and by the time that the processor worked for it; the memory is the highest of the process up to
then.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unoqa.core.assessment import Assessment
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.outputs.grades_csv import GradesCsv
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "results"
        tell("write", lambda: write(folder, rows))
        tell("open and count", lambda: count(folder))
        tell("grades.csv", lambda: render(folder))
        for path in sorted(folder.iterdir()):
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


def tell(what: str, step: Callable[[], None]) -> None:
    started, worked = time.perf_counter(), time.process_time()
    step()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    load = os.getloadavg()[0]
    print(f"{what}: {seconds:.2f} s, {processor:.2f} s of the processor, {memory:.0f} MB, load average {load:.1f}")


def write(folder: Path, rows: int) -> None:
    images = [ImageEntry(f"site/scan_{row:07d}.png", f"/clinic/site/scan_{row:07d}.png") for row in range(rows)]
    findings = tuple(
        Finding(name, name, 4.0, False, "upper left", 0.3, 0.5, 0.1, 0.2, "share", 1) for name in ("dim", "blur")
    )
    with begin_run(folder, RunPlan(images, "/clinic", "model", "conditions")) as run:
        for position, image in enumerate(images):
            poor = position % 2 == 1
            run.add(
                position,
                Assessment(
                    image.name,
                    float(position % 97),
                    digest=f"{position:064x}",
                    size=(320, 320),
                    percentile=0.5,
                    members=(1.0,) * 9,
                    point=np.array([float(position % 97)]) if poor else np.empty(0),
                    findings=findings if poor else (),
                ),
            )
        gradings = [
            Grading(image.name, Grade.GRADABLE if position % 2 else Grade.OUTSTANDING, 1.0, 1.0, 0.5)
            for position, image in enumerate(images)
        ]
        run.finish(gradings, threshold=1.0, facts={"model": "model"})


def count(folder: Path) -> None:
    with Results.open(folder) as results:
        assert results.count(Grade.GRADABLE) == len(results) // 2


def render(folder: Path) -> None:
    with Results.open(folder) as results:
        GradesCsv().write(results, folder / "grades.csv")


if __name__ == "__main__":
    main()
