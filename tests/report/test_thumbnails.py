from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unoqa.grader.overlay import MAX_HEAT, MIN_HEAT, blend_heat, heat_palette, recover_grey, recover_strength
from unoqa.report.thumbnails import (
    HEAT_SIDE,
    make_data_uri,
    make_heat_layer,
    make_thumbnail,
    make_thumbnail_and_layer,
)


def noise(rows, columns):
    return np.random.default_rng(0).random((rows, columns)).astype(np.float32)


def blob(rows, columns, peak):
    y, x = np.mgrid[:rows, :columns]
    return peak * np.exp(-((y - rows / 3) ** 2 + (x - columns / 2) ** 2) / (rows / 4) ** 2)


@given(
    rows=st.integers(64, 200),
    columns=st.integers(64, 200),
    side=st.integers(40, 300),
    most=st.integers(1500, 30000),
)
def test_a_thumbnail_keeps_to_its_size_and_shape_and_holds_no_metadata(rows, columns, side, most):
    encoded = make_thumbnail(noise(rows, columns), side=side, most_bytes=most)
    picture = Image.open(io.BytesIO(encoded))
    assert picture.format == "JPEG"
    assert picture.mode == "L"
    assert max(picture.size) <= max(side, 48)
    assert picture.size[0] <= columns
    assert picture.size[0] / picture.size[1] == pytest.approx(columns / rows, rel=0.06)
    assert len(encoded) <= most or max(picture.size) <= 48
    assert not {"exif", "comment", "icc_profile"} & set(picture.info)


def test_a_thumbnail_shows_the_image(good_scan):
    encoded = make_thumbnail(good_scan, side=320, most_bytes=100_000)
    shown = np.asarray(Image.open(io.BytesIO(encoded))) / 255
    assert np.abs(shown - good_scan).mean() < 0.03


def test_a_thumbnail_within_its_bytes_keeps_as_much_as_it_can(good_scan):
    sizes = [len(make_thumbnail(good_scan, side=320, most_bytes=most)) for most in (40_000, 16_000, 4_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] > 1_500


def test_the_heat_of_an_overlay_is_found_again_whatever_the_image_below():
    heat = MIN_HEAT + (MAX_HEAT - MIN_HEAT) * np.linspace(0, 1, 200)[None].repeat(64, axis=0)
    for pixels in (np.zeros_like(heat), np.ones_like(heat), noise(*heat.shape)):
        found = recover_strength(blend_heat(pixels, heat)) / 255
        assert np.abs(found - np.linspace(0, 1, 200)).max() < 0.015


def test_the_image_below_the_heat_is_found_again():
    heat = np.linspace(0, MAX_HEAT + 1, 200)[None].repeat(64, axis=0)
    for pixels in (np.zeros_like(heat), np.ones_like(heat), noise(*heat.shape)):
        found = recover_grey(blend_heat(pixels, heat)).astype(float)
        error = np.abs(found - 255 * pixels)
        assert error.max() <= 4
        assert error[heat < MIN_HEAT].max() <= 0.5


def test_an_overlay_gives_both_pictures_of_its_image(good_scan):
    overlay = blend_heat(good_scan, blob(*good_scan.shape, 5.0))
    thumbnail, layer = make_thumbnail_and_layer(overlay, side=320, most_bytes=100_000)
    shown = np.asarray(Image.open(io.BytesIO(thumbnail))) / 255
    assert np.abs(shown - good_scan).mean() < 0.03
    assert layer == make_heat_layer(overlay)


def test_heat_is_seen_on_black_and_more_heat_is_redder():
    heat = np.linspace(MIN_HEAT, MAX_HEAT, 256)[None].repeat(64, axis=0)
    shown = blend_heat(np.zeros_like(heat), heat)[0].astype(int)
    assert (np.diff((shown[:, 0] - shown[:, 2])[::8]) > 0).all()
    half_a_deviation = int(256 * 0.5 / (MAX_HEAT - MIN_HEAT))
    assert shown[half_a_deviation].max() > 60


def test_the_layer_over_the_image_is_the_overlay():
    pixels, heat = blob(160, 160, 0.7), blob(160, 160, 5.0)
    overlay = blend_heat(pixels, heat)
    layer = Image.open(io.BytesIO(make_heat_layer(overlay)))
    assert max(layer.size) == HEAT_SIDE
    below = Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).convert("RGBA")
    laid = Image.alpha_composite(below, layer.convert("RGBA").resize((160, 160), Image.Resampling.BILINEAR))
    assert np.abs(np.asarray(laid)[..., :3].astype(int) - overlay).mean() < 4


def test_a_place_without_heat_is_transparent():
    assert heat_palette()[0, 3] == 0
    layer = Image.open(io.BytesIO(make_heat_layer(blend_heat(noise(64, 64), np.zeros((64, 64))))))
    assert np.asarray(layer.convert("RGBA"))[..., 3].max() == 0


def test_pictures_as_addresses_say_what_they_are(good_scan):
    assert make_data_uri(make_thumbnail(good_scan, side=64, most_bytes=9000)).startswith("data:image/jpeg;base64,")
    layer = make_heat_layer(blend_heat(good_scan, np.zeros_like(good_scan)))
    assert make_data_uri(layer).startswith("data:image/png;base64,")
