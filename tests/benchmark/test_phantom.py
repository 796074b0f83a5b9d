"""The phantom draws plausible scans and damages them as documented; equal seeds give equal scans."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.cohort import SEVERITIES, draw_scans, grade_severity
from unoqa.benchmark.phantom.contract import load_damages, load_lesions
from unoqa.benchmark.phantom.eye import draw_eye, measure_eccentricity
from unoqa.benchmark.phantom.flow import Flow
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.core.grading import Grade
from unoqa.encoders.measures import MEASURES

DAMAGES = load_damages()
LESIONS = load_lesions()
every_lesion = pytest.mark.parametrize("lesion", LESIONS.values(), ids=LESIONS)
every_damage = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scans():
    return [draw_angiogram(rng(seed), size=160) for seed in range(4)]


def test_a_seed_gives_one_scan_and_another_seed_another(scans):
    assert np.array_equal(scans[0], draw_angiogram(rng(0), size=160))
    assert not np.array_equal(scans[0], scans[1])


@pytest.mark.parametrize("size", [96, 320])
def test_a_scan_is_square_float32_and_from_0_to_1(size):
    pixels = draw_angiogram(rng(), size=size)
    assert pixels.shape == (size, size)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert pixels.std() > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_avascular_zone_is_darker_than_its_ring(seed):
    random = rng(seed)
    eye = draw_eye(random)
    pixels = draw_angiogram(random, eye=eye)
    side = (np.arange(320) + 0.5) / 320
    eccentricity = measure_eccentricity(eye, *np.meshgrid(side, side))
    assert pixels[eccentricity < 0.7].mean() < 0.5 * pixels[(eccentricity > 1.1) & (eccentricity < 1.8)].mean()


@every_damage
def test_damage_keeps_shape_type_range_and_the_given_scan(damage, scans):
    before = scans[0].copy()
    pixels, mask = damage.apply(scans[0], 0.6, rng())
    assert np.array_equal(scans[0], before)
    assert (pixels.shape, pixels.dtype) == (before.shape, np.float32)
    assert (mask.shape, mask.dtype) == (before.shape, bool)
    assert 0 <= pixels.min() <= pixels.max() <= 1


@every_damage
def test_the_same_generator_plants_the_same_damage(damage, scans):
    first, second = (damage.apply(scans[0], 0.6, rng(3)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


@every_damage
@pytest.mark.parametrize("severity", [0.02, 0.3, 0.7, 1.0])
def test_nothing_changes_outside_the_mask(damage, severity, scans):
    for seed, before in enumerate(scans):
        pixels, mask = damage.apply(before, severity, rng(seed))
        assert np.array_equal(pixels[~mask], before[~mask])


@every_damage
def test_no_severity_no_change(damage, scans):
    pixels, mask = damage.apply(scans[0], 0.0, rng())
    assert np.array_equal(pixels, scans[0])
    assert not mask.any()


@every_damage
def test_more_severity_changes_more(damage, scans):
    change = [
        np.mean([np.abs(damage.apply(before, s, rng(i))[0] - before).mean() for i, before in enumerate(scans)])
        for s in (0.0, 0.04, 0.15, 0.3, 0.5, 0.75, 1.0)
    ]
    # Even the smallest shift changes all of the speckle, so the change of a shift soon stops growing.
    assert all(later >= 0.97 * earlier for earlier, later in pairwise(change)), change
    assert change[-1] > change[1]


@every_damage
def test_strong_damage_covers_much_of_the_field(damage, scans):
    shares = [damage.apply(before, 1.0, rng(seed))[1].mean() for seed, before in enumerate(scans)]
    assert np.mean(shares) > 0.4


@every_damage
def test_a_kind_of_damage_names_measures_that_exist(damage):
    assert set(damage.measures) <= set(MEASURES.names())


def test_the_lesions():
    assert list(LESIONS) == ["microaneurysms", "neovascular_tufts", "nonperfusion", "wide_avascular_zone"]


@pytest.fixture(scope="module")
def flow():
    capillaries, vessels = (rng(seed).uniform(0.05, high, (160, 160)) for seed, high in ((1, 0.5), (2, 1.0)))
    return Flow(np.float32(capillaries), np.float32(vessels))


@every_lesion
def test_a_lesion_changes_the_flow_only_where_it_says(lesion, flow):
    before = flow.capillaries.copy(), flow.vessels.copy()
    for seed in range(4):
        diseased, mask = lesion.grow(flow, draw_eye(rng(seed)), rng(seed))
        assert (mask.shape, mask.dtype) == ((160, 160), bool)
        for layer, old in zip((diseased.capillaries, diseased.vessels), before, strict=True):
            assert (layer.shape, layer.dtype) == ((160, 160), np.float32)
            assert np.array_equal(layer[~mask], old[~mask])
            assert 0 <= layer.min() <= layer.max() <= 1
        assert 0 < mask.mean() < 0.3
    assert np.array_equal(flow.capillaries, before[0])
    assert np.array_equal(flow.vessels, before[1])


@every_lesion
def test_a_seed_gives_one_lesion_in_the_scan_that_it_gives_without(lesion, scans):
    first, second = (draw_angiogram(rng(0), lesion=lesion, size=160) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert 0 < np.mean(first != scans[0]) < 0.3


@pytest.mark.parametrize(
    ("name", "sign"),
    [("microaneurysms", 1), ("neovascular_tufts", 1), ("nonperfusion", -1), ("wide_avascular_zone", -1)],
)
def test_new_vessels_are_brighter_and_closed_ones_darker(name, sign, scans):
    change = draw_angiogram(rng(1), lesion=LESIONS[name], size=160) - scans[1]
    assert sign * change.sum() > 0
    assert np.abs(change).max() > 0.2


def test_large_vessels_pass_through_an_area_without_capillaries():
    one = np.ones((4, 4), dtype=np.float32)
    closed, mask = Flow(one / 2, one * np.float32([0.4, 0.5, 0.6, 0.8])).close(one)
    assert mask.all()
    assert closed.capillaries == pytest.approx(0.05)
    assert closed.vessels[0].tolist() == pytest.approx([0, 0, 0.3, 0.8])


def test_a_diseased_scan_has_the_grade_and_the_damage_of_the_healthy_one():
    counts = {"outstanding": 2, "gradable": 1, "ungradable": 0}
    healthy = draw_scans(**counts, seed=5, size=96)
    diseased = draw_scans(**counts, seed=5, size=96, lesion=LESIONS["nonperfusion"])
    for one, other in zip(healthy, diseased, strict=True):
        assert (one.name, one.grade, one.damage, one.severity) == (
            other.name,
            other.grade,
            other.damage,
            other.severity,
        )
        assert not np.array_equal(one.pixels, other.pixels)


def test_what_a_phantom_clinic_shows_and_what_is_planted_on_request():
    frequencies = {name: damage.frequency for name, damage in DAMAGES.items()}
    assert min(frequencies.values()) == 0
    assert [name for name, frequency in frequencies.items() if frequency] == [
        "blink",
        "blur",
        "contrast",
        "dim",
        "motion",
        "noise",
        "offcentre",
    ]


def test_a_cohort_has_the_requested_grades_and_names_that_hide_them():
    scans = list(draw_scans(outstanding=5, gradable=4, ungradable=3, seed=1, size=96))
    grades = [scan.grade for scan in scans]
    assert [grades.count(grade) for grade in (2, 1, 0)] == [5, 4, 3]
    assert grades != sorted(grades)
    assert [scan.name for scan in scans] == [f"scan_{number:04d}.png" for number in range(1, 13)]
    assert all(scan.pixels.dtype == np.uint8 and scan.pixels.shape == (96, 96) for scan in scans)


def test_severity_decides_the_grade():
    for scan in draw_scans(outstanding=5, gradable=5, ungradable=5, seed=2, size=96):
        low, high = SEVERITIES[scan.grade]
        assert grade_severity(scan.severity) is scan.grade
        assert scan.severity == 0 or low <= scan.severity <= high
        assert bool(scan.damage) == (scan.severity > 0)
        assert set(scan.damage) <= set(DAMAGES)


def test_the_limits_of_the_grades():
    words = {severity: grade_severity(severity) for severity in (0.0, 0.05, 0.06, 0.49, 0.5, 1.0)}
    assert list(words.values()) == [2, 2, 1, 1, 0, 0]
    assert all(isinstance(grade, Grade) for grade in words.values())


def test_brightness_alone_does_not_tell_the_grade():
    scans = list(draw_scans(outstanding=10, gradable=10, ungradable=10, seed=3, size=96))
    means = {grade: np.mean([scan.pixels.mean() for scan in scans if scan.grade is grade]) for grade in Grade}
    assert max(means.values()) - min(means.values()) < 20


def test_a_folder_is_the_same_to_the_byte_each_time(tmp_path):
    for name in ("first", "second"):
        write_phantom(tmp_path / name, outstanding_to_fit=2, clinic=(2, 2, 1), seed=4, size=96)
    first, second = (compute_digests(tmp_path / name) for name in ("first", "second"))
    assert first == second
    assert len(set(first.values())) == len(first) == 8


def test_a_folder_holds_plain_grey_pictures_and_labels_of_the_clinic(tmp_path):
    write_phantom(tmp_path, outstanding_to_fit=2, clinic=(2, 2, 1), seed=4, size=96)
    header, *rows = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert header == "image,grade"
    assert [row.split(",")[0] for row in rows] == sorted(p.name for p in (tmp_path / "clinic").iterdir())
    words = [row.split(",")[1] for row in rows]
    assert sorted(words) == ["gradable"] * 2 + ["outstanding"] * 2 + ["ungradable"]
    for path in tmp_path.glob("*/*.png"):
        with Image.open(path) as picture:
            assert (picture.mode, picture.size, picture.info) == ("L", (96, 96), {})


def compute_digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")
    }
