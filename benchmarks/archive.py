"""Is OCTA-25K-IQA-SEG recognised as it is unpacked, and what does its reproduction take?

    python benchmarks/archive.py [--folder FOLDER]
    python benchmarks/archive.py --data ../shared/octa --folder FOLDER

Nobody may copy the archive, so this script writes a tree with its exact counts (24,522 images) and the names that its
users show, of small made-up images, and has `octa25k` read it: whole, then with one class folder misnamed. Then it
scales measured times to the archive's 3×3 images: docs/reproduce-the-paper.md has that table. Grades of the training
images that nobody published are spread as in the test set; they are not used. Results go to stdout.

The second command only writes the 3×3 images that `unoqa reproduce --dataset octa25k` uses, 4,526 real ones of their
grades and two that it leaves, to see what a whole reproduction takes. DATA holds `images/` and `grades.csv`.
"""

from __future__ import annotations

import argparse
import csv
import struct
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from speed.images import TURNS, turn_image

from unoqa.benchmark.datasets.octa25k import Octa25k
from unoqa.core.errors import DataSetError

TREE: dict[str, tuple[int, int, int]] = {
    "quality_assessment/3x3/For_Train/train": (3204, 2750, 961),
    "quality_assessment/3x3/For_Train/test": (1374, 1179, 412),
    "quality_assessment/3x3/external_test_1": (100, 100, 100),
    "3M": (100, 100, 100),
    "quality_assessment/6x6/For_Train/train": (4306, 3695, 1291),
    "quality_assessment/6x6/For_Train/test": (1923, 1650, 577),
    "quality_assessment/6x6/external_test_1": (100, 100, 100),
    "6M": (100, 100, 100),
}
"""Images by folder: ungradable, gradable, outstanding. The sums are the published ones (Wang et al. 2021; COIPS), and
those of 3x3's outstanding training images and of its test set (Chen et al. 2022)."""

DIGITS, WORDS = ("0", "1", "2"), ("ungradable", "gradable", "outstanding")
"""Names of the class folders: digits beside the training set, words in the external sets `3M` and `6M`."""

TRAIN = "quality_assessment/3x3/For_Train/train"

USED = {place: counts for place, counts in TREE.items() if "3x3" in place or place == "3M"} | {
    TRAIN: (1, 1, TREE[TRAIN][-1])
}
"""Of these, the images that the reproduction of 3×3 uses, and one of each other class of its training set."""

FITTED, TESTED, OTHERS = 961, 2965 + 300, 300
"""Images of 3x3 that are fitted on, graded, and scored only (the validation set)."""


@dataclass(frozen=True)
class Row:
    """Measured times of one of the paper's rows: fit one module on 1,000 images, predict one image; memory in GB.

    Attributes:
        modules: how many are fitted, in thousands of images together, and how many predict.
    """

    fit: float
    predict: float
    memory: float
    modules: tuple[float, int]


@dataclass(frozen=True)
class Machine:
    """An encoder on two processor cores.

    Attributes:
        encode: seconds for an image on one thread.
        features: MB of features for an image, and of latents for a test image by both flows.
    """

    encode: float
    features: tuple[float, float]
    rows: dict[str, Row]


MACHINES = {
    "Wide-ResNet-50": Machine(
        0.252,
        (6.0, 9.0),
        {
            "PaDiM": Row(14, 0.026, 2.4, (5.0, 1)),
            "PatchCore": Row(88, 0.758, 1.7, (5.0, 1)),
            "FastFlow": Row(9486, 0.307, 3.4, (1.0, 2)),
            "CFLOW": Row(489, 0.204, 3.8, (1.0, 2)),
        },
    ),
    "ResNet-18": Machine(
        0.024,
        (1.4, 1.2),
        {
            "PaDiM": Row(5.0, 0.004, 1.0, (1.0, 2)),
            "PatchCore": Row(28, 0.035, 1.0, (1.0, 2)),
            "FastFlow": Row(11, 0.007, 1.0, (1.0, 2)),
            "CFLOW": Row(34, 0.005, 1.0, (1.0, 2)),
        },
    ),
}
"""Wide-ResNet-50: docs/reproduction.md, 'Wide-ResNet-50 at the paper's size'. Its flows' fits are those of two folds
side by side, so they count once. ResNet-18: columns 'fit' and 'predict' of its tables, 80 images scaled to 1,000."""

PUBLISHED = {"FastFlow": (769 * 500 * (3 * 37.7)), "CFLOW": (769 * 200 * (3 * 21.5 + 23.3))}
"""Billions of multiplications of the published training on four fifths of 961 images of a Wide-ResNet-50: three times a
flow's own for an image and pass, and CFLOW's encoder, since its images are rotated anew."""

RATES = {"2 cores": 0.1e12, "a graphics card": 5e12}
"""Multiplications a second: measured on two server cores (FastFlow's training), and assumed for a graphics card: a
quarter of the 20 Tflop/s that a card of the paper's days may reach in single precision. Not measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to write the tree; by default a temporary folder")
    parser.add_argument("--data", type=Path, help="real images with grades, to fill the 3×3 folders of --folder with")
    given = parser.parse_args()
    folder = given.folder
    if given.data is not None:
        if folder is None:
            parser.error("--data takes --folder too: where to write the images")
        print(f"{write_real_tree(given.data, folder):,} images written")
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = folder or Path(temporary) / "OCTA-25K"
        print(f"{write_tree(root):,} images written")
        recognise(root)
        misname(root)
    print()
    print("\n".join(estimate()))


def write_tree(root: Path) -> int:
    """Write the images, each different from all others; return how many."""
    written = 0
    for place, counts in TREE.items():
        names = WORDS if place in ("3M", "6M") else DIGITS
        for name, count in zip(names, counts, strict=True):
            (root / place / name).mkdir(parents=True)
            for number in range(count):
                (root / place / name / f"{number}.png").write_bytes(make_png(written))
                written += 1
    return written


def write_real_tree(data: Path, root: Path) -> int:
    """Write real images of each grade; return how many.

    An image is turned and mirrored, eight ways in all, and then dimmed a little, until there are enough.
    """
    with (data / "grades.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sources = [[row["image"] for row in rows if row["grade"] == digit] for digit in DIGITS]
    taken = [0, 0, 0]
    for place, counts in USED.items():
        names = WORDS if place == "3M" else DIGITS
        for grade, (name, count) in enumerate(zip(names, counts, strict=True)):
            (root / place / name).mkdir(parents=True)
            for _ in range(count):
                turn, position = divmod(taken[grade], len(sources[grade]))
                image = vary(Image.open(data / "images" / sources[grade][position]).convert("L"), turn)
                image.save(root / place / name / f"{taken[grade]}.png")
                taken[grade] += 1
    return sum(taken)


def vary(image: Image.Image, turn: int) -> Image.Image:
    """Return one of the variants of an image: turned and mirrored in eight ways, and dimmed by 2 % after each eight."""
    dimming, way = divmod(turn, TURNS)
    return turn_image(image, way).point(lambda value: round(value * 0.98**dimming))


def make_png(number: int) -> bytes:
    """Return a grey PNG of 8×8 pixels that hold a number."""
    rows = b"".join(b"\0" + struct.pack(">Q", number * 64 + row) for row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def recognise(root: Path) -> None:
    """Print the studies that are found, and each count that differs from the published one."""
    started = time.monotonic()
    for study in Octa25k().find_studies(root, seed=0):
        counts = (len(part) for part in (study.fit, study.test, study.external, study.validation))
        print(study.name, "fit {:,}, test {:,}, external {:,}, validation {:,}".format(*counts), sep=": ")
        print(*study.notes or ("every count is as published",), sep="\n")
    print(f"recognised in {time.monotonic() - started:.1f} s")


def misname(root: Path) -> None:
    """Rename one class folder, print what is said of it, and rename it back."""
    right = root / "quality_assessment" / "3x3" / "For_Train" / "test" / "1"
    wrong = right.rename(right.with_name("gradeable"))
    try:
        Octa25k().find_studies(root, seed=0)
    except DataSetError as error:
        print(f"one folder misnamed: {str(error).replace(str(root), 'OCTA-25K')}")
    wrong.rename(right)


def estimate() -> list[str]:
    """Return a table of what the 3×3 images take on two cores, scaled from measured times, and as published."""
    lines = [
        "| encoder | training | encode | fit | grade | in all | disk | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, machine in MACHINES.items():
        images = FITTED + TESTED + OTHERS
        encode = images * machine.encode / 2
        fit = sum(row.fit * row.modules[0] * FITTED / 1000 for row in machine.rows.values())
        grade = sum((TESTED + OTHERS) * row.predict * row.modules[1] / 2 for row in machine.rows.values())
        disk = (images * machine.features[0] + 2965 * machine.features[1]) / 1000
        memory = max(row.memory for row in machine.rows.values())
        times = " | ".join(map(format_time, (encode, fit, grade, encode + fit + grade)))
        lines.append(f"| {name}, 2 cores | budget | {times} | {disk:.0f} GB | {memory:.1f} GB |")
    for rate, speed in RATES.items():
        flows = [format_time(work * 1e9 / speed) for work in PUBLISHED.values()]
        lines.append(f"| Wide-ResNet-50, {rate} | published | | FastFlow {flows[0]}, CFLOW {flows[1]} | | | | |")
    return lines


def format_time(seconds: float) -> str:
    """Write seconds as minutes, hours or days."""
    for unit, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}" if seconds >= 10 * unit else f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


if __name__ == "__main__":
    main()
