"""Copies are named, exact ones and those saved again; different scans are not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.grader.duplicates import MOST, NEAR, Duplicates, Print, compute_fingerprint, find_duplicates

OCTA = Path(__file__).parents[2].parent / "shared" / "octa" / "images"


def as_jpeg(image):
    stream = BytesIO()
    image.save(stream, "jpeg", quality=50)
    return Image.open(stream)


SAVED_AGAIN = {
    "jpeg": as_jpeg,
    "half size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "larger": lambda image: image.resize((image.width * 3 // 2, image.height * 3 // 2)),
    "brighter": lambda image: image.point(lambda value: min(255, int(value * 1.1))),
    "gamma": lambda image: image.point(lambda value: int(255 * (value / 255) ** 0.8)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}


def fingerprint(image):
    return compute_fingerprint(np.asarray(image.convert("L"), np.float32) / 255)


def distance(first, second):
    bits = np.frombuffer(bytes.fromhex(first), np.uint8) ^ np.frombuffer(bytes.fromhex(second), np.uint8)
    return int(np.unpackbits(bits).sum())


@pytest.mark.parametrize("change", SAVED_AGAIN.values(), ids=SAVED_AGAIN)
def test_a_scan_saved_again_is_near(change, good_scan):
    image = Image.fromarray((good_scan * 255).astype(np.uint8))
    assert distance(fingerprint(image), fingerprint(change(image))) <= NEAR


def test_different_scans_are_not_near():
    prints = [
        Print(str(seed), str(seed), compute_fingerprint(draw_angiogram(np.random.default_rng(seed), size=128)))
        for seed in range(12)
    ]
    assert find_duplicates(prints) == Duplicates()


def test_near_ones_are_found_as_by_comparing_all_pairs():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 2, 256, dtype=np.uint8) for _ in range(30)]
    for count in (0, 1, NEAR, NEAR + 1):  # copies of the first that differ in so many bits
        copy = rows[0].copy()
        copy[rng.permutation(255)[:count]] ^= 1
        rows.append(copy)
    for row in rows:
        row[255] = 0
    prints = [Print(str(number), str(number), np.packbits(row).tobytes().hex()) for number, row in enumerate(rows)]
    slow = []
    for number, one in enumerate(prints):
        near = [other.name for other in prints[:number] if distance(other.fingerprint, one.fingerprint) <= NEAR]
        slow += [(one.name, near[0])] if near else []
    assert find_duplicates(prints).near == tuple(slow) == (("30", "0"), ("31", "0"), ("32", "0"))


def test_exact_copies_name_the_first():
    prints = [
        Print("a", "1", ""),
        Print("b", "2", ""),
        Print("c", "1", ""),
        Print("failed", "", ""),
        Print("d", "1", ""),
    ]
    found = find_duplicates(prints)
    assert found.exact == (("c", "a"), ("d", "a"))
    assert found.describe() == ("2 images are exact copies of others: c = a, d = a.",)


def test_beyond_a_hundred_thousand_images_it_says_that_it_did_not_look():
    prints = [Print(str(number), str(number), "") for number in range(MOST + 1)]
    (sentence,) = find_duplicates(prints).describe()
    assert sentence == "With more than 100,000 images, only exact copies were looked for."


@pytest.mark.slow
@pytest.mark.skipif(not OCTA.is_dir(), reason="needs the real scans of ../shared/octa")
def test_no_two_of_the_real_scans_are_near():
    prints = [Print(path.name, path.name, fingerprint(Image.open(path))) for path in sorted(OCTA.iterdir())]
    assert len(prints) == 881
    assert find_duplicates(prints) == Duplicates()
