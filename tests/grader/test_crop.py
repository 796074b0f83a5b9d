"""The scan is found in pictures with margins; a plain scan stays as it is, whatever is wrong with it."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from unoqa import EnfaceImage, Recipe, grade_to_folder, load
from unoqa.batch import GradeOptions
from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.core.errors import ImageError, UsageError
from unoqa.core.facts import Fact
from unoqa.grader.crop import AUTO, Crop
from unoqa.grader.scan_finder import Rectangle, find_scan
from unoqa.report.cohort import Cohort
from unoqa.report.images import read_image
from unoqa.report.pictures import make_pictures

SHARED = Path(__file__).parents[3] / "shared"
TEXT = "01.01.2000, OD, Transverse OCTA [Contrast 1:2, from NFL to IPL]"


def shared(*names):
    path = SHARED.joinpath(*names)
    if not path.exists():
        missing = f"{path} is not on this machine; it is lent for tests and not part of the project"
        (pytest.fail if os.environ.get("UNOQA_REQUIRE_SHARED") == "1" else pytest.skip)(missing)
    return path


def read_grey(path):
    return np.asarray(Image.open(path).convert("L"), np.float32) / 255


def draw_fundus(rows, columns, seed=0):
    """Return a smooth grey field with some noise, as a scanning laser shows the retina."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.uniform(0.5, 0.8, (6, 8)).astype(np.float32))
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC)) + rng.normal(0, 0.01, (rows, columns))


def write_text(picture, place, background=0.0, text=TEXT):
    image = Image.fromarray((picture * 255).clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(image).text(place, text, fill=255 if background < 0.5 else 0, font_size=16)
    return np.asarray(image, np.float32) / 255


def make_export(scan, left, top, size=(700, 900), background="fundus", caption=True):
    """Return a picture of rows × columns that shows a scan in a fundus or on a page, with a caption below."""
    rows, columns = size
    page = {"black": 0.0, "white": 1.0}
    foot = 90 if caption else 0
    picture = np.full(size, page.get(background, 0.0), np.float32)
    if background == "fundus":
        picture[: rows - foot] = draw_fundus(rows - foot, columns)
    picture[top : top + scan.shape[0], left : left + scan.shape[1]] = scan
    return write_text(picture, (8, rows - 50), page.get(background, 0.0)) if caption else picture


@pytest.mark.parametrize("slab", ["SVP", "ICP", "DCP"])
def test_the_scan_of_a_heidelberg_export_is_where_its_makers_marked_it(slab):
    picture = read_grey(shared("files", "vendor", f"heidelberg_OD_{slab}.png"))
    marked = read_grey(shared("files", "vendor", "heidelberg_OD_Localizer.png"))
    corners = np.argwhere(marked != read_grey(shared("files", "vendor", "heidelberg_OD_SVP.png")))
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)  # just outside the upper left corner
    found = find_scan(picture)
    assert (found.left, found.left + found.width) == (left + 1, right)
    assert (found.top, found.top + found.height) == (top, bottom)


@pytest.mark.slow
def test_no_real_scan_is_touched():
    paths = sorted(shared("octa", "images").iterdir())
    pictures = {path.name: read_grey(path) for path in paths}
    assert len(pictures) == 881
    whole = {name: Rectangle(0, 0, *picture.shape[::-1]) for name, picture in pictures.items()}
    assert {name: find_scan(picture) for name, picture in pictures.items()} == whole


@pytest.mark.slow
def test_a_blink_at_the_border_of_a_real_scan_stays_part_of_it():
    rng = np.random.default_rng(0)
    for path in sorted(shared("octa", "images").iterdir())[::9]:
        for turns in range(4):
            scan = np.rot90(read_grey(path), turns).copy()
            scan[: rng.integers(len(scan) // 12, len(scan) // 2)] = rng.choice([0, 0.02])
            assert find_scan(np.rot90(scan, -turns)) == Rectangle(0, 0, *read_grey(path).shape[::-1])


def test_no_drawn_scan_is_touched_whatever_its_damage():
    for scan in draw_scans(outstanding=6, gradable=20, ungradable=20, seed=3, size=160):
        assert find_scan(scan.pixels / np.float32(255)) == Rectangle(0, 0, 160, 160)


@pytest.fixture(scope="module")
def scan():
    return draw_angiogram(np.random.default_rng(5), size=400).astype(np.float32)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 500), st.integers(0, 200), st.sampled_from(["fundus", "black", "white"]), st.booleans())
def test_a_scan_is_found_wherever_it_lies(scan, left, top, background, caption):
    if background == "black" and not caption:
        return  # no different from a scan with blinks
    found = find_scan(make_export(scan, left, top, background=background, caption=caption))
    assert found is not None
    ends = (found.left, found.top, found.left + found.width, found.top + found.height)
    assert np.abs(np.subtract(ends, (left, top, left + 400, top + 400))).max() <= 10


@pytest.mark.parametrize(
    "picture",
    [
        write_text(np.concatenate([draw_fundus(600, 800), np.zeros((90, 800))]), (8, 640)),
        write_text(np.concatenate([draw_fundus(600, 600), np.zeros((90, 600))]), (8, 640)),
    ],
    ids=["wide fundus", "square fundus"],
)
def test_a_localizer_is_refused(picture):
    with pytest.raises(
        ImageError,
        match=r"^a.png is a picture with margins in which no scan is found; export the scan alone, or fit with the "
        r"rectangle in which it lies \(crop X,Y,W,H\).$",
    ):
        AUTO.apply(EnfaceImage("a.png", picture))


def test_text_beside_the_scan_never_counts_as_scan(scan):
    picture = make_export(scan, 150, 0)
    plain = find_scan(picture)
    assert abs(plain.left - 150) <= 2
    assert find_scan(write_text(picture, (4, 8), text="Transverse OCTA")) == plain


def test_a_declared_rectangle_is_cut_out_of_every_picture(scan):
    image = Crop.parse("100,20,400,400").apply(EnfaceImage("a.png", make_export(scan, 100, 20)))
    assert np.allclose(image.pixels, scan, atol=1 / 255)
    assert image.facts.crop == Fact("100,20,400,400", "crop of the model")
    with pytest.raises(ImageError, match=r"b.png has 300×300 pixels, and the model's crop 100,20,400,400 reaches"):
        Crop.parse("100,20,400,400").apply(EnfaceImage("b.png", scan[:300, :300]))


@pytest.mark.parametrize("text", ["auto", "none", "1,2,3,4"])
def test_a_crop_is_written_as_it_is_read(text):
    assert str(Crop.parse(text)) == text


@pytest.mark.parametrize("text", ["", "Auto", "1,2,3", "1,2,0,4", "-1,2,3,4", "1.5,2,3,4"])
def test_what_is_no_crop_is_refused(text):
    with pytest.raises(UsageError, match=f"The crop '{text}' is unknown; use auto, none, or X,Y,W,H"):
        Crop.parse(text)


def test_a_model_keeps_its_crop_and_its_results_show_the_scan_alone(outstanding_scans, clinic_scans, tmp_path):
    for folder, scans in (("fit", outstanding_scans[:14]), ("grade", clinic_scans[:12])):
        (tmp_path / folder).mkdir()
        for number, one in enumerate(scans):
            picture = np.full((160, 220), 200, np.uint8)
            picture[10:138, 40:168] = one.pixels
            Image.fromarray(picture).save(tmp_path / folder / f"{number:02}.png")
    plain = Recipe.named("measures").fit([one.pixels for one in outstanding_scans[:14]])
    Recipe.named("measures").with_crop("40,10,128,128").fit(tmp_path / "fit").save(tmp_path / "model")
    grader = load(tmp_path / "model").grader
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| scan in each picture | the rectangle 40,10,128,128: column and row of its corner, width, height |" in card
    assert grader.threshold == plain.threshold
    with grade_to_folder(grader, tmp_path / "grade", tmp_path / "results", GradeOptions()) as results:
        assert results.facts["crop"] == "40,10,128,128"
        assert results.facts_of(0).crop == Fact("40,10,128,128", "crop of the model")
        assert np.array_equal(read_image(results, "00.png").pixels, clinic_scans[0].pixels / np.float32(255))
        with Image.open(results.heat_path("00.png")) as heat:
            assert heat.size == (128, 128)
        scores = [grading.score for grading in results.gradings]
    assert scores == [
        plain.assess(EnfaceImage("x", one.pixels / np.float32(255)))[0].score for one in clinic_scans[:12]
    ]


@pytest.mark.parametrize("heat", [True, False], ids=["heat", "no-heat"])
def test_no_picture_of_the_results_shows_what_is_burned_in_beside_the_scan(
    outstanding_scans, clinic_scans, heat, tmp_path
):
    scans = {"fit": outstanding_scans[:14], "grade": clinic_scans[:12]}
    for folder, some in scans.items():
        (tmp_path / folder).mkdir()
        for number, one in enumerate(some):
            picture = make_export(one.pixels / np.float32(255), 60, 20, (280, 300), caption=False)
            picture = write_text(picture, (62, 160), text="DOE JANE")  # just below the scan
            Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(tmp_path / folder / f"{number:02}.png")
    grader = Recipe.named("measures").fit(tmp_path / "fit")
    with grade_to_folder(grader, tmp_path / "grade", tmp_path / "results", GradeOptions(heat=heat)) as results:
        found = [Crop.parse(results.facts_of(position).crop.value).part for position in range(12)]
        thumbnails = [one.thumbnail for one in make_pictures(results, Cohort.read(results).scans)]
        overlays = sorted((tmp_path / "results" / "heat").glob("*.png"))
    assert len(overlays) == 12 * heat
    for one, part, thumbnail in zip(scans["grade"], found, thumbnails, strict=True):
        left, top = part.left - 60, part.top - 20
        assert min(left, top, 128 - left - part.width, 128 - top - part.height) >= 0
        shown = np.asarray(Image.open(io.BytesIO(thumbnail)).convert("L"), np.float32)
        assert np.abs(shown - replace(part, left=left, top=top).cut(one.pixels.astype(np.float32))).mean() < 8
    for part, path in zip(found, overlays, strict=False):
        with Image.open(path) as overlay:
            assert overlay.size == (part.width, part.height)
