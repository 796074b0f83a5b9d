"""Which pictures count as another kind than the scans of a device: real scans, inverted ones, and pictures of no eye.

    python benchmarks/scope.py --data ../shared/octa [--localizer ../shared/files/vendor/heidelberg_OD_Localizer.png]

For each device and split, the content of some outstanding scans is fitted; all other scans are looked at, the same
inverted, the pictures that scikit-image brings, and made-up B-scans. The table goes to stdout, in Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage
from accuracy import Device, read_devices, read_image

from unoqa.core.errors import ImageError
from unoqa.core.grading import Grade
from unoqa.core.image import EnfaceImage
from unoqa.core.intervals import Share
from unoqa.formats import collect, read
from unoqa.grader.content import FittedContent, describe_content

B_SCANS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--localizer", type=Path)
    parser.add_argument("--splits", type=int, default=10)
    given = parser.parse_args()
    pictures = [*read_pictures(given.localizer), *map(draw_b_scan, range(B_SCANS))]
    foreign = [describe_content(one) for one in pictures]
    print("| device | fitted | outstanding | gradable | ungradable | inverted | other pictures |")
    print("|---|---|---|---|---|---|---|")
    for device in read_devices(given.data):
        print(tabulate(device, foreign, given.splits), flush=True)


def tabulate(device: Device, foreign: list[np.ndarray], splits: int) -> str:
    """Return the row of a device: the share of each kind that counts as another kind of picture."""
    images = [read_image(path) for path in device.paths]
    contents = [describe_content(one) for one in images]
    grades = np.array(device.grades)
    inverted = {row: invert(images[row]) for row in np.flatnonzero(grades == Grade.OUTSTANDING)}
    found: dict[str, list[bool]] = {}
    for fitted_rows, tested in device.split(splits):
        fitted = FittedContent.fit([contents[row] for row in fitted_rows])
        groups = {grade.word: [contents[row] for row in tested if grades[row] == grade] for grade in reversed(Grade)}
        groups["inverted"] = [inverted[row] for row in tested if row in inverted]
        groups["other pictures"] = foreign
        for name, some in groups.items():
            found.setdefault(name, []).extend(fitted.measure_distance(one) > fitted.limit for one in some)
    shares = [Share(sum(some), len(some)) for some in found.values()]
    cells = [f"{share.value:.3f} ({share.count} of {share.total})" for share in shares]
    return f"| {device.name} | {device.fit_count} | {' | '.join(cells)} |"


def invert(image: EnfaceImage) -> np.ndarray:
    return describe_content(replace(image, pixels=1 - image.pixels))


def read_pictures(localizer: Path | None) -> list[EnfaceImage]:
    """Read every picture that scikit-image brings and that unoqa reads, whole and, if large, a corner of it."""
    folder = Path(skimage.__file__).parent / "data"
    paths = [*sorted(folder.glob("*.png")), *sorted(folder.glob("*.jpg")), *filter(None, [localizer])]
    pictures = []
    for path in paths:
        try:
            image = read(collect([path]).references[0])
            image.check()
        except ImageError:
            continue
        pictures.append(image)
        if min(image.pixels.shape) >= 400:
            pictures.append(replace(image, pixels=image.pixels[:320, :320]))
    return pictures


def draw_b_scan(seed: int) -> EnfaceImage:
    """Draw a cross-section: bright layers that bend, and speckle."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:320, :320]
    depth = down - 120 - 30 * np.sin(across / 320 * np.pi + 2 * rng.random()) - 10 * rng.normal()
    layers = sum(
        bright * np.exp(-(((depth - at) / thick) ** 2))
        for at, thick, bright in [(0, 12, 0.8), (30, 15, 0.4), (60, 10, 0.5), (80, 25, 0.9)]
    )
    pixels = np.clip(layers * (0.6 + 0.4 * rng.random((320, 320))) + 0.1 * rng.random((320, 320)), 0, 1)
    return EnfaceImage(f"B-scan {seed}", pixels.astype(np.float32))


if __name__ == "__main__":
    main()
