"""Time and memory of a large cohort: its points reduced and clustered, as `unoqa grade` does at the end of a run.

    python benchmarks/cohort.py [--images 100000] [--numbers 2100] [--merged 20000]

Points are made up: two groups whose numbers vary along 40 directions, in half precision as a record keeps them. The
highest memory counts pages of mapped files too, which the system takes back when others need them; Linux only. With
--merged, the hierarchical clustering of all of so many is compared with that of the sample it takes of a larger cohort.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from unoqa.clusterings import hierarchical
from unoqa.clusterings.hierarchical import Hierarchical
from unoqa.clusterings.kmeans import Kmeans
from unoqa.reductions.pca import Pca
from unoqa.store.results.points import POINTS, PointFile, stack_points

T = TypeVar("T")

DIRECTIONS = 40
ROWS = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=2_100)
    parser.add_argument("--merged", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder) / POINTS, given.images, given.numbers)
        file = PointFile(Path(folder), given.numbers, "<f2", given.images)
        started = time.perf_counter()
        points = tell("read", lambda: stack_points(file.read(range(given.images))))
        reduction = tell("pca", lambda: Pca().fit(points, seed=0))
        reduced = tell("project", lambda: reduction.project(points))
        tell("hierarchical", lambda: Hierarchical().fit(reduced, seed=0))
        tell("kmeans", lambda: Kmeans().fit(reduced, seed=0))
        print(f"all: {time.perf_counter() - started:.1f} s, {time.process_time():.1f} s of the processor, "
              f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    if given.merged:
        compare(reduced[: given.merged])


def draw(path: Path, images: int, numbers: int) -> None:
    random = np.random.default_rng(0)
    directions = random.normal(size=(DIRECTIONS, numbers)) * np.geomspace(3, 0.1, DIRECTIONS)[:, None]
    with path.open("wb") as file:
        for start in range(0, images, ROWS):
            count = min(ROWS, images - start)
            own = random.normal(size=(count, DIRECTIONS)) + 3 * random.integers(0, 2, size=(count, 1))
            noise = random.normal(size=(count, numbers)) * 0.3
            file.write((own @ directions + noise).astype(np.float16).tobytes())


def compare(reduced: np.ndarray) -> None:
    _, sampled = Hierarchical().fit(reduced, seed=0)
    hierarchical.MAX_MERGED = len(reduced)
    _, whole = tell(f"hierarchical of all {len(reduced)}", lambda: Hierarchical().fit(reduced, seed=0))
    same = float(np.mean(sampled.cluster == whole.cluster))
    print(f"same cluster as of all: {max(same, 1 - same):.4f}")


def tell(what: str, step: Callable[[], T]) -> T:
    started = time.perf_counter()
    result = step()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mapped = int(Path("/proc/self/status").read_text().partition("RssFile:")[2].split()[0]) / 1024
    seconds = time.perf_counter() - started
    print(f"{what}: {seconds:.1f} s, {memory:.0f} MB at most, {mapped:.0f} MB of mapped files now", flush=True)
    return result


if __name__ == "__main__":
    main()
