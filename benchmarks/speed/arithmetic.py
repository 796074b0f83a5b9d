"""Time of whole grading, and of its arithmetic alone: encoder and modules on images that are already read.

    python benchmarks/speed/arithmetic.py MODEL IMAGES

The arithmetic is a lower bound for any program with the same computations. A group of images is timed both ways, then
the next group, in several rounds. On a shared machine other programs slow it down for seconds at a time; they only add
time, so the shortest time of each group counts. Prints milliseconds per image and the share of the arithmetic, as JSON.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from load_model import load_grader_and_images

from unoqa.batch import GradeOptions, Mode, grade_files
from unoqa.core.assessment import Failure
from unoqa.grader.grader import Grader
from unoqa.grader.source import ImageSource

GROUP = 20
"""Images in a group: about a second each way, and twice the least number of images in a cohort."""

ROUNDS = 5
"""Number of times that every group is timed."""


def main() -> None:
    grader, folder = load_grader_and_images(__doc__)
    images = sorted(folder.iterdir())
    groups = [images[start : start + GROUP] for start in range(0, len(images) - GROUP + 1, GROUP)] or [images]
    time_both(grader, groups[0])  # warms up: libraries choose kernels and claim memory
    rounds = np.array([[time_both(grader, group) for group in groups] for _ in range(ROUNDS)])
    alone, whole = rounds.min(axis=0).mean(axis=0)
    print(json.dumps({"arithmetic": alone, "whole": whole, "share": alone / whole}))


def time_both(grader: Grader, images: Sequence[Path]) -> tuple[float, float]:
    """Return milliseconds per image of the arithmetic alone, and of grading from files to a results folder."""
    loaded = [lazy.apply(grader.encoders.prepare) for lazy in ImageSource.find(list(images)).images]
    pictures = [picture for picture in loaded if not isinstance(picture, Failure)]
    with tempfile.TemporaryDirectory() as results:
        alone = measure_seconds(lambda: predict_all(grader, pictures))
        whole = measure_seconds(lambda: grade_all(grader, images, Path(results)))
    return 1000 * alone / len(pictures), 1000 * whole / len(pictures)


def predict_all(grader: Grader, pictures: Sequence[np.ndarray]) -> None:
    """Encode and predict, one image after the other."""
    for picture in pictures:
        grader.fitted.panel.predict(grader.encoders.encode(picture))


def grade_all(grader: Grader, images: Sequence[Path], results: Path) -> None:
    """Grade as `unoqa grade --no-heat` does."""
    source = ImageSource.find(list(images))
    with grade_files(grader, source, results, GradeOptions(mode=Mode.COHORT, heat=False)):
        pass


def measure_seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
