"""Heat has the image's size and is highest where the damage is."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unoqa import EnfaceImage
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.grader.heat import HeatLevels, _enlarge


@pytest.fixture(scope="module")
def good():
    return next(draw_scans(outstanding=1, gradable=0, ungradable=0, seed=78)).pixels


def heat(grader, pixels):
    return grader.assess(EnfaceImage("scan.png", (pixels / np.float32(255)).astype(np.float32)))[1]()


@pytest.mark.parametrize("shape", [(320, 320), (300, 400), (400, 300), (97, 640)], ids=str)
@pytest.mark.parametrize("place", [(0, 1), (1, 0)], ids=str)
def test_heat_of_any_shape_is_highest_where_a_block_is_missing(shape, place, grader, good):
    pixels = np.asarray(Image.fromarray(good).resize(shape[::-1], Image.Resampling.BILINEAR)).copy()
    rows, columns = (slice(half * side // 2, (half + 1) * side // 2) for half, side in zip(place, shape, strict=True))
    pixels[rows, columns] = 3
    found = heat(grader, pixels)
    missing = np.zeros(shape, bool)
    missing[rows, columns] = True
    assert found.shape == shape
    assert missing[np.unravel_index(found.argmax(), shape)]
    assert found[missing].mean() > 3 * found[~missing].mean()


@pytest.mark.parametrize("kind", ["blink", "dim", "motion", "noise"])
def test_heat_is_higher_inside_planted_damage(kind, grader, good):
    for seed in range(3):
        clean = good / np.float32(255)
        damaged, mask = load_damages()[kind].apply(clean.astype(np.float32), 0.4, np.random.default_rng(seed))
        found = heat(grader, 255 * damaged)
        assert found[mask].mean() > 1.2 * found[~mask].mean(), seed


def test_heat_is_finite_and_never_negative(grader, good):
    found = heat(grader, good)
    assert np.isfinite(found).all()
    assert found.min() >= 0


def test_a_good_scan_is_cooler_than_a_damaged_one(grader, good):
    damaged = good.copy()
    damaged[:, :160] //= 8
    assert heat(grader, good).mean() < 0.5 * heat(grader, damaged).mean()


def test_many_maps_are_averaged_in_the_memory_of_few():
    maps = [np.random.default_rng(seed).random((8, 8)) for seed in range(30)]
    levels, prediction, shape = HeatLevels.from_pairs([(0.2, 0.5)] * 30), SimpleNamespace(maps=maps), (600, 500)
    tracemalloc.start()
    found = HeatLevels.heat.__wrapped__(levels, prediction, shape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = np.mean([_enlarge(np.maximum((grid - 0.2) / 0.5, 0), shape) for grid in maps], axis=0)
    assert (found.dtype, found.shape) == (np.float32, shape)
    assert np.abs(found - expected).max() < 1e-6
    assert peak < 5 * found.nbytes
