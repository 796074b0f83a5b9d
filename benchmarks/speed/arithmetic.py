"""Whole grading beside its arithmetic alone: what encoder and modules take when the images are read beforehand.

    python benchmarks/speed/arithmetic.py MODEL IMAGES

No program that grades so, by the same sums, can be faster. A few images go both ways, then the next few, and all of
that several times: a machine that others use is now fast, now slow, for seconds. That only adds, so the shortest time
of each few counts. Prints milliseconds an image, and the arithmetic's share, as JSON.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from loaded import grader_and_images

from unoqa.batch import Mode, grade_files
from unoqa.core.progress import NoProgress
from unoqa.grader.grader import Grader
from unoqa.grader.source import Failure, ImageSource

AT_ONCE = 20
"""Images that go one way before they go the other: a second of each, and twice what a cohort takes at least."""

ROUNDS = 5
"""Times that all images go both ways."""


def main() -> None:
    grader, folder = grader_and_images(__doc__)
    images = sorted(folder.iterdir())
    groups = [images[start : start + AT_ONCE] for start in range(0, len(images) - AT_ONCE + 1, AT_ONCE)] or [images]
    both_ways(grader, groups[0])  # the first images choose kernels and claim memory
    rounds = np.array([[both_ways(grader, group) for group in groups] for _ in range(ROUNDS)])
    alone, whole = rounds.min(axis=0).mean(axis=0)
    print(json.dumps({"arithmetic": alone, "whole": whole, "share": alone / whole}))


def both_ways(grader: Grader, images: Sequence[Path]) -> tuple[float, float]:
    """Return milliseconds an image of the arithmetic alone, and of grading from files to a results folder."""
    made = [lazy.read(grader.encoders.prepared) for lazy in ImageSource.of(list(images)).images]
    pictures = [picture for picture in made if not isinstance(picture, Failure)]
    with tempfile.TemporaryDirectory() as results:
        alone = seconds(lambda: judge_all(grader, pictures))
        whole = seconds(lambda: grade_all(grader, images, Path(results)))
    return 1000 * alone / len(pictures), 1000 * whole / len(pictures)


def judge_all(grader: Grader, pictures: Sequence[np.ndarray]) -> None:
    """Encode by the panel's encoders and judge, one image after the other."""
    for picture in pictures:
        grader.fitted.panel.predict(grader.encoders.view(picture))


def grade_all(grader: Grader, images: Sequence[Path], results: Path) -> None:
    """Grade as the command does, with heat off."""
    source = ImageSource.of(list(images))
    with grade_files(grader, source, results, mode=Mode.COHORT, heat=False, progress=NoProgress()):
        pass


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
