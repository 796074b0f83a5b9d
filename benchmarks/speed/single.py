"""What one image takes on one thread when the model is loaded: beyond the learned encoder, and by the measures alone.

    python benchmarks/speed/single.py MODEL IMAGES

Prints medians over the images, as JSON: `beyond` in milliseconds from the file to score, reasons and heat, less the
time of the learned encoder; `rate` in images a second for the measures.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from loaded import grader_and_images

from unoqa.encoders.measures import Measures
from unoqa.grader.grader import Grader
from unoqa.grader.source import ImageSource

WARM_UP = 3
"""Images whose times do not count."""


def main() -> None:
    grader, images = grader_and_images(__doc__)
    measures = Measures().open(device=torch.device("cpu"))
    beyond, measuring = [], []
    for lazy in ImageSource.of(images).images:
        image, reading = timed(lazy.open)
        picture = image.resized(grader.encoders.size)[None]
        _, whole = timed(lambda image=image: explained(grader, image))
        _, encoding = timed(lambda picture=picture: encoded(grader, picture))
        beyond.append(reading + whole - encoding)
        measuring.append(timed(lambda picture=picture: measures.encode(picture))[1])
    print(
        json.dumps(
            {
                "beyond": 1000 * statistics.median(beyond[WARM_UP:]),
                "rate": 1 / statistics.median(measuring[WARM_UP:]),
            }
        )
    )


def explained(grader: Grader, image: Any) -> None:  # noqa: ANN401 - an image of ours, told from a failure before
    _, heat = grader.examine(image)
    heat()


def encoded(grader: Grader, picture: Any) -> None:  # noqa: ANN401 - an array
    """Run the learned encoders; the measures count as ours."""
    for settings, encoder in zip(grader.encoders.settings, grader.encoders.encoders, strict=True):
        if not isinstance(settings, Measures):
            encoder.encode(picture)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
