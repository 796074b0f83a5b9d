"""Whether the same scans get the same grades when they are exported at another size.

    python benchmarks/sizes.py --data DATA [--recipe default] [--scans 100] [--kernel bilinear] [--back lanczos]

For each device a model is fitted on outstanding scans and settled on all others. Some of these are graded at their own
size and resized by a kernel; with --back they are brought back to their own size first, by that kernel. The table goes
to stdout, in Markdown: the share of equal grades.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy import read_devices, read_image
from PIL import Image

from unoqa.core.image import EnfaceImage
from unoqa.grader.recipe import Recipe

SIZES = (160, 240, 320, 400, 640)

KERNELS = {
    one.name.lower(): one for one in (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--kernel", choices=KERNELS, default="lanczos", help="by which scans are exported")
    parser.add_argument("--back", choices=KERNELS, help="by which they are brought back; without it they are not")
    given = parser.parse_args()
    print(f"| device | own size | {' | '.join(map(str, SIZES))} |")
    print("|---|---|" + "---|" * len(SIZES))
    for device in read_devices(given.data):
        fitted, tested = next(iter(device.split(1)))
        grader = Recipe.named(given.recipe).fit([device.paths[row] for row in fitted], weights=given.weights)
        settled = grader.settle([device.paths[row] for row in tested])
        rows = np.random.default_rng(0).permutation(tested)[: given.scans]
        images = [read_image(device.paths[row]) for row in rows]
        grades = {
            size: [one.grade for one in settled.grade_all([export(one, size, given) for one in images]).gradings]
            for size in (0, *SIZES)
        }
        equal = [np.mean([one == other for one, other in zip(grades[0], grades[size], strict=True)]) for size in SIZES]
        cells = " | ".join(f"{share:.3f}" for share in equal)
        print(f"| {device.name} | {images[0].pixels.shape[0]} | {cells} |", flush=True)


def export(image: EnfaceImage, size: int, given: argparse.Namespace) -> EnfaceImage:
    """Return the image at another size, as a device exports it: in 8 bits; 0 leaves it as it is."""
    own = len(image.pixels)
    if size in (0, own):
        return image
    whole = Image.fromarray(np.uint8(np.round(image.pixels * 255))).resize((size, size), KERNELS[given.kernel])
    pixels = np.asarray(whole, dtype=np.float32) / 255
    if given.back:
        again = Image.fromarray(pixels).resize((own, own), KERNELS[given.back])
        pixels = np.clip(np.asarray(again, dtype=np.float32), 0, 1)
    return replace(image, pixels=pixels)


if __name__ == "__main__":
    main()
