"""Every measure keeps the contract, and the damage that it detects moves it in its bad direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, uniform_filter

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.encoders.measures import MEASURES, Measures
from unoqa.encoders.measures.centring import TOLERANCE
from unoqa.encoders.measures.doubled import CHANCE
from unoqa.encoders.measures.parts.views import GRID, Views

every_measure = pytest.mark.parametrize("name", MEASURES.names())

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [64, 101, 320, 777])
@pytest.mark.parametrize("side", [25, 41])
def test_a_local_mean_equals_scipys_at_the_places_of_the_grid(size, side):
    field = np.random.default_rng(size).random((size, size), dtype=np.float32)
    views = Views(field)
    places = ((np.arange(GRID) + 0.5) * size / GRID).astype(int)
    expected = uniform_filter(field, views.scale_length(side), mode="reflect")[np.ix_(places, places)]
    np.testing.assert_allclose(views.local_mean(field, side), expected, rtol=1e-5)


def blur(scan):
    return gaussian_filter(scan, 1.5)


def defocus(scan):
    return gaussian_filter(scan, 3)


def add_noise(scan):
    return np.clip(scan + 0.1 * np.random.default_rng(0).standard_normal(scan.shape), 0, 1)


def dim(scan):
    return scan / 2


def blacken_corner(scan):
    return replace_corner(scan, 0 * scan)


def blur_corner(scan):
    return replace_corner(scan, gaussian_filter(scan, 4))


def dim_corner(scan):
    return replace_corner(scan, 0.3 * scan)


def wash_out(scan):
    return 0.4 * scan + 0.6 * scan.mean()


def overexpose(scan):
    return np.clip(3 * scan, 0, 1)


def add_motion_lines(scan):
    torn = scan.copy()
    torn[::20] = np.clip(torn[::20] + 0.4, 0, 1)
    return torn


def add_vertical_lines(scan):
    return add_motion_lines(scan.T).T


def shift(scan):
    return np.pad(scan, ((0, 0), (110, 0)), mode="reflect")[:, : len(scan)]


def displace_rows(scan):
    displaced = scan.copy()
    displaced[60:] = np.roll(scan[60:], 24, axis=1)
    return displaced


def displace_columns(scan):
    return displace_rows(scan.T).T


def double(scan):
    return (scan + np.roll(scan, (9, 20), axis=(0, 1))) / 2


def grain(scan):
    return np.where(np.random.default_rng(0).random(scan.shape) < 0.8 * scan, 1.0, 0.0)


def replace_corner(scan, other):
    mixed = scan.copy()
    mixed[:140, :140] = other[:140, :140]
    return mixed


PLANTED = {
    "black_area": blacken_corner,
    "brightness": dim,
    "capillaries_to_noise": add_noise,
    "capillary_signal": blur_corner,
    "centring": shift,
    "column_steps": add_vertical_lines,
    "contrast": wash_out,
    "defocus": defocus,
    "displaced_columns": displace_columns,
    "displaced_rows": displace_rows,
    "doubled": double,
    "illumination": dim_corner,
    "missing_area": blacken_corner,
    "row_steps": add_motion_lines,
    "saturation": overexpose,
    "sharpness": blur,
    "speckle": grain,
    "vessel_signal": dim_corner,
}
"""The damage that each measure detects; a new measure adds its own."""

OF_WHOLE_LINES = {"displaced_columns", "displaced_rows"}
"""Measures that find damage of whole lines only."""


@pytest.fixture(scope="module")
def scans():
    return [draw_angiogram(np.random.default_rng(seed), size=320) for seed in range(3)]


def measure_scan(name, scan):
    return MEASURES.load(name)().measure(Views(scan))


@every_measure
def test_the_damage_that_a_measure_detects_moves_it_in_its_bad_direction(name, scans):
    direction = MEASURES.load(name).direction
    moves = [
        direction * (measure_scan(name, PLANTED[name](scan)).mean() - measure_scan(name, scan).mean()) for scan in scans
    ]
    assert min(moves) > 0.01, moves


@every_measure
def test_a_local_measure_is_worst_where_the_damage_is(name, scans):
    measure = MEASURES.load(name)
    if not measure.local:
        pytest.skip("one number per image")
    damaged = PLANTED[name](scans[0])
    damaged = damaged if name in OF_WHOLE_LINES else replace_corner(scans[0], damaged)
    moved = measure.direction * (measure_scan(name, damaged) - measure_scan(name, scans[0]))
    assert moved[:8, :8].mean() > moved[10:, 10:].mean() + 0.01


@pytest.mark.parametrize("pixels", [12, 24, 40, -24])
@pytest.mark.parametrize("name", sorted(OF_WHOLE_LINES))
def test_lines_that_continue_sideways_are_found_where_they_break_off(name, pixels, scans):
    lines = scans[1] if name == "displaced_rows" else scans[1].T
    displaced = lines.copy()
    displaced[170:] = np.roll(lines[170:], pixels, axis=1)
    found = measure_scan(name, displaced if name == "displaced_rows" else displaced.T)
    found = found if name == "displaced_rows" else found.T
    assert np.flatnonzero(found[:, 0] > 0.1).tolist() == [10]


def test_a_small_displacement_counts_less(scans):
    found = []
    for pixels in (7, 12, 20):
        displaced = scans[1].copy()
        displaced[170:] = np.roll(scans[1][170:], pixels, axis=1)
        found.append(measure_scan("displaced_rows", displaced).max())
    assert 0 < found[0] < found[1] < found[2]


def test_noise_is_not_called_displaced(scans):
    noise = load_damages()["noise"]
    for seed, scan in enumerate(scans):
        noisy, _ = noise.apply(scan, 0.5, np.random.default_rng(seed))
        assert measure_scan("displaced_rows", noisy).max() < 0.1  # a seam has more: see above
        assert measure_scan("displaced_columns", noisy).max() < 0.1


@pytest.mark.parametrize("pixels", [2, -2])
def test_lines_that_drift_by_two_pixels_are_whole(pixels, scans):
    drifted = scans[1].copy()
    drifted[170:] = np.roll(scans[1][170:], pixels, axis=1)
    assert measure_scan("displaced_rows", drifted).max() == measure_scan("displaced_rows", scans[1]).max() == 0


def test_displaced_lines_are_found_in_files_that_are_larger_than_what_is_measured():
    scan = draw_angiogram(np.random.default_rng(4), size=400)
    displaced = scan.copy()
    displaced[200:] = np.roll(scan[200:], 30, axis=1)
    row = MEASURES.names().index("displaced_rows")
    encoder = Measures().open(device=CPU)
    found = [float(encoder.encode(one[None].astype(np.float32)).scales[1][0, row]) for one in (scan, displaced)]
    assert found[0] == 0 < found[1]


def test_a_shadow_beside_the_fovea_is_not_taken_for_it(scans):
    for scan in scans:
        shadow = scan.copy()
        shadow[215:265] *= 0.05
        assert measure_scan("centring", scan) == measure_scan("centring", shadow) == pytest.approx(TOLERANCE)


@pytest.mark.parametrize("offset", [(8, 10), (-20, 14), (0, 40)])
def test_a_second_copy_is_found_at_any_distance_and_none_in_whole_scans(offset, scans):
    for scan in scans:
        doubled = (scan + np.roll(scan, offset, axis=(0, 1))) / 2
        assert measure_scan("doubled", doubled) > 0.25
        assert measure_scan("doubled", scan) == pytest.approx(CHANCE)


@every_measure
def test_a_measure_describes_itself(name):
    measure = MEASURES.load(name)
    assert measure.direction in (-1, 1)
    assert measure.unit == measure.unit.strip() != ""
    assert measure.reason == measure.reason.strip() != ""
    assert measure.sentence[0].isupper()
    assert measure.sentence.endswith(".")


@every_measure
@pytest.mark.parametrize("size", [64, 96, 320, 512])
def test_a_measure_has_its_shape_at_every_size(name, size):
    numbers = measure_scan(name, draw_angiogram(np.random.default_rng(0), size=size))
    assert numbers.shape == ((GRID, GRID) if MEASURES.load(name).local else (1, 1))
    assert np.isfinite(numbers).all()


@every_measure
@pytest.mark.parametrize("image", ["almost black", "almost white", "black and white", "one bright pixel"])
def test_a_strange_image_gives_finite_numbers(name, image):
    random = np.random.default_rng(0).random((320, 320), dtype=np.float32)
    spot = np.zeros_like(random)
    spot[160, 160] = 1
    strange = {
        "almost black": random * 1e-4,
        "almost white": 1 - random * 1e-4,
        "black and white": np.round(random),
        "one bright pixel": spot,
    }
    assert np.isfinite(measure_scan(name, strange[image])).all()


@every_measure
def test_a_measure_does_not_change_the_image(name, good_scan):
    assert not good_scan.flags.writeable
    assert np.array_equal(measure_scan(name, good_scan), measure_scan(name, good_scan.copy()))


def test_shared_views_give_the_same_numbers_as_views_of_their_own(scans):
    shared = Views(scans[0])
    alone = {name: measure_scan(name, scans[0]) for name in MEASURES.names()}
    together = {name: MEASURES.load(name)().measure(shared) for name in reversed(MEASURES.names())}
    assert all(np.array_equal(alone[name], together[name]) for name in alone)


def test_the_encoder_has_the_local_measures_on_tiles_and_all_on_the_image(scans):
    encoder = Measures().open(device=CPU)
    tiles, image = encoder.scales
    assert image.channels == MEASURES.names()
    assert tiles.channels == tuple(name for name in MEASURES.names() if MEASURES.load(name).local)
    assert image.directions == tuple(MEASURES.load(name).direction for name in MEASURES.names())
    shapes = [tuple(scale.shape) for scale in encoder.encode(np.stack(scans)).scales]
    assert shapes == [(3, len(tiles.channels), GRID, GRID), (3, len(image.channels), 1, 1)]


def test_an_image_has_the_same_features_alone_as_in_company(scans):
    encoder = Measures().open(device=CPU)
    company = encoder.encode(np.stack(scans))
    alone = encoder.encode(scans[1][None])
    assert all(torch.equal(one[0], many[1]) for one, many in zip(alone.scales, company.scales, strict=True))


def test_the_encoder_has_no_weights():
    encoder = Measures().open(device=CPU)
    assert (encoder.checksum, encoder.state()) == ("", {})
