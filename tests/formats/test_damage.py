"""A damaged file gives an image or an ImageError, within seconds, and never anything else."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, collect, read

CODES = {"unreadable", "truncated", "too-large", "unsupported", "not-finite"}


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut the end off a file, cut a piece out of it, or change up to 20 bytes, half of the time near the header."""
    values = np.frombuffer(data, np.uint8).copy()
    first, last = sorted(rng.integers(1, len(values), 2))
    match rng.integers(4):
        case 0:
            return values[:last].tobytes()
        case 1:
            return np.delete(values, slice(first, last)).tobytes()
        case reach:
            end = len(values) if reach == 2 else min(len(values), 400)
            places = rng.integers(0, end, rng.integers(1, 20))
            values[places] = rng.integers(0, 256, len(places))
            return values.tobytes()


def try_reading(path):
    try:
        images = [read(reference) for reference in collect([path]).references]
    except ImageError as error:
        return error.code
    for image in images:
        assert np.isfinite(image.pixels).all()
        assert image.number_type.kind != "unsigned" or 0 <= image.pixels.min() <= image.pixels.max() <= 1
    return "read"


def read_damaged(folder, kind, files, cases):
    rng, slowest, seen = np.random.default_rng(7), 0.0, set()
    path = folder / f"scan.{kind}"
    path.touch()
    for case in range(cases):
        path.write_bytes(damage(files[case % len(files)], rng))
        started = perf_counter()
        seen.add(try_reading(path))
        slowest = max(slowest, perf_counter() - started)
    return seen, slowest


@pytest.mark.parametrize("kind", FORMATS.names())
@pytest.mark.requirement("R9")
def test_hundreds_of_damaged_files_never_crash(tmp_path, valid_files, kind):
    seen, slowest = read_damaged(tmp_path, FORMATS.load(kind).suffixes[0][1:], valid_files(kind), 300)
    assert seen <= CODES | {"read"}
    assert len(seen) >= (3 if kind != "png" else 2)  # the checksums of a PNG show any damage
    assert slowest < 5.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS.names())
@pytest.mark.requirement("R9")
def test_ten_thousand_damaged_files_never_crash(tmp_path, valid_files, kind):
    seen, slowest = read_damaged(tmp_path, FORMATS.load(kind).suffixes[0][1:], valid_files(kind), 10_000)
    assert seen <= CODES | {"read"}
    assert slowest < 5.0
