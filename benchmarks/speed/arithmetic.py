"""The arithmetic alone: what grading takes when the model is loaded and the images are read beforehand.

    python benchmarks/speed/arithmetic.py MODEL IMAGES

No program that grades so, by the same sums, can be faster. Prints milliseconds an image, as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from unoqa.grader.grader import Grader, SettledGrader
from unoqa.grader.intake import Failure, Intake
from unoqa.grader.loading import load

WARM_UP = 3
"""Images before the clock starts: the first ones choose kernels and claim memory."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    grader = grader_of(arguments.model)
    pictures = [
        image.resized(grader.viewer.size)[None]
        for image in Intake.of(arguments.images)
        if not isinstance(image, Failure)
    ]
    judge_all(grader, pictures[:WARM_UP])
    started = time.perf_counter()
    judge_all(grader, pictures)
    print(json.dumps({"milliseconds": 1000 * (time.perf_counter() - started) / len(pictures)}))


def judge_all(grader: Grader, pictures: Sequence[np.ndarray]) -> None:
    """Encode by the panel's encoders and judge, one image after the other."""
    encoders = grader.viewer.encoders[: 1 + max(member.encoder for member in grader.learned.panel.members)]
    for picture in pictures:
        grader.learned.panel.judge([encoder.encode(picture) for encoder in encoders])


def grader_of(model: Path) -> Grader:
    grader = load(model)
    return grader.grader if isinstance(grader, SettledGrader) else grader


if __name__ == "__main__":
    main()
