"""The arithmetic alone: what grading takes when the model is loaded and the images are read beforehand.

    python benchmarks/speed/arithmetic.py MODEL IMAGES

No program that grades so, by the same sums, can be faster. Prints milliseconds an image, as JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import numpy as np
from loaded import grader_and_images

from unoqa.grader.grader import Grader
from unoqa.grader.intake import Failure, Intake

WARM_UP = 3
"""Images before the clock starts: the first ones choose kernels and claim memory."""


def main() -> None:
    grader, images = grader_and_images(__doc__)
    pictures = [
        image.resized(grader.viewer.size)[None] for image in Intake.of(images) if not isinstance(image, Failure)
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


if __name__ == "__main__":
    main()
