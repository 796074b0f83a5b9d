"""Time of one image on one thread with a loaded model: without the learned encoder, and of the measures alone.

    python benchmarks/speed/single.py MODEL IMAGES

Prints medians over the images, as JSON: `beyond`, milliseconds from the file to score, reasons and heat, minus the time
of the learned encoder; `rate`, images per second of the measures.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from load_model import load_grader_and_images

from unoqa.encoders.measures import Measures
from unoqa.grader.grader import Grader
from unoqa.grader.source import ImageSource

WARM_UP = 3
"""Number of first images whose times do not count."""


def main() -> None:
    grader, images = load_grader_and_images(__doc__)
    measures = Measures().open(device=torch.device("cpu"))
    beyond, measured = [], []
    for lazy in ImageSource.find(images).images:
        image, read_seconds = time_call(lazy.load)
        picture = image.resize(grader.encoders.size)[None]
        _, whole = time_call(partial(assess, grader, image))
        _, encoding = time_call(partial(encode, grader, picture))
        beyond.append(read_seconds + whole - encoding)
        measured.append(time_call(partial(measures.encode, picture))[1])
    print(
        json.dumps(
            {
                "beyond": 1000 * statistics.median(beyond[WARM_UP:]),
                "rate": 1 / statistics.median(measured[WARM_UP:]),
            }
        )
    )


def assess(grader: Grader, image: Any) -> None:  # noqa: ANN401 - an EnfaceImage
    """Compute score, reasons and heat map."""
    _, heat = grader.assess(image)
    heat()


def encode(grader: Grader, picture: Any) -> None:  # noqa: ANN401 - an array
    """Run the learned encoders, without the measures."""
    for settings, encoder in zip(grader.encoders.settings, grader.encoders.all, strict=True):
        if not isinstance(settings, Measures):
            encoder.encode(picture)


def time_call(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
