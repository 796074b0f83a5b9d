"""What a run writes into its folder, to the byte."""

from __future__ import annotations

import csv
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unoqa.core.grading import Grade, Grading, RunRecord
from unoqa.core.image import EnfaceImage
from unoqa.outputs import OUTPUTS
from unoqa.outputs.grades_csv import FORMULA_STARTS
from unoqa.outputs.heat import find_clashing_overlays, heat_path, separate_overlays
from unoqa.outputs.parts.overlay import MAX_HEAT, blend_heat

every_output = pytest.mark.parametrize("name", OUTPUTS.names())

RECORD = RunRecord(
    (
        Grading("eye 1.png", Grade.OUTSTANDING, -0.5, 1.25, 1.0),
        Grading("größe/眼.png", Grade.GRADABLE, 1.5, 1.25, 0.123456789, ("blur", "motion lines")),
        Grading('=HYPERLINK("x").png', Grade.UNGRADABLE, 1e6, 1.25, 0.0, ("-dim",)),
        Grading("bad.tif", None, None, 1.25, None, (), "truncated: bad.tif ends early; copy it again."),
        Grading("lonely.png", None, 2.0, 1.25, None, (), "cohort-too-small: 1 image."),
    ),
    {"unoqa": "0.1.0", "seed": 0, "model": "größe", "counts": {"outstanding": 1}, "seconds": 1.5, "none": None},
)

GRADES_CSV = """\
image,grade,grade_code,score,threshold,certainty,reasons,error
eye 1.png,outstanding,2,-0.500000,1.250000,1.000000,,
größe/眼.png,gradable,1,1.500000,1.250000,0.123457,blur; motion lines,
"'=HYPERLINK(""x"").png",ungradable,0,1000000.000000,1.250000,0.000000,'-dim,
bad.tif,,,,1.250000,,,truncated: bad.tif ends early; copy it again.
lonely.png,,,2.000000,1.250000,,,cohort-too-small: 1 image.
"""


def picture(rows=70, columns=90, name="a/eye.png"):
    return EnfaceImage(name, np.random.default_rng(0).random((rows, columns), dtype=np.float32) * 0.6)


def run(name, folder, image=None):
    output, image = OUTPUTS.load(name)(), image or picture()
    output.write_image(folder, image, lambda: np.zeros(image.pixels.shape, dtype=np.float32))
    output.write_run(folder, RECORD)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@every_output
def test_an_output_writes_something_and_the_same_each_time(name, tmp_path):
    first, second = run(name, tmp_path / "first"), run(name, tmp_path / "second")
    assert first
    assert first == second


@every_output
def test_an_output_writes_into_its_folder_only_and_leaves_no_unfinished_file(name, tmp_path):
    files = run(name, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert not [file for file in files if file.endswith(".part")]
    assert str(tmp_path).encode() not in b"".join(files.values())


@every_output
def test_a_run_without_images_is_written(name, tmp_path):
    OUTPUTS.load(name)().write_run(tmp_path, RunRecord((), {}))


def test_grades_csv_to_the_byte(tmp_path):
    assert run("grades_csv", tmp_path) == {"grades.csv": GRADES_CSV.encode()}


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1))
def test_no_cell_is_a_formula_and_every_name_can_be_read_back(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("run")
    OUTPUTS.load("grades_csv")().write_run(folder, RunRecord((Grading(name, None, None, 0.0, None),), {}))
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        _, row = csv.reader(file)
    assert not row[0].startswith(FORMULA_STARTS)
    assert row[0].removeprefix("'") == name.removeprefix("'")


def test_run_json_holds_the_facts_readable_for_people(tmp_path):
    (content,) = run("run_json", tmp_path).values()
    text = content.decode("utf-8")
    assert json.loads(text) == RECORD.facts
    assert '"model": "größe"' in text
    assert text.endswith("}\n")


def test_an_overlay_has_the_size_of_its_image_and_its_name_with_png_after_it(tmp_path):
    OUTPUTS.load("heat")().write_image(tmp_path, picture(), lambda: np.zeros((70, 90), dtype=np.float32))
    assert heat_path(tmp_path, "a/eye.png") == tmp_path / "heat" / "a" / "eye.png.png"
    with Image.open(tmp_path / "heat" / "a" / "eye.png.png") as shown:
        assert (shown.mode, shown.size) == ("RGB", (90, 70))


def test_an_image_without_heat_stays_grey():
    pixels = picture().pixels
    shown = blend_heat(pixels, np.zeros_like(pixels))
    assert np.array_equal(shown, np.rint(255 * pixels)[..., None].repeat(3, axis=2).astype(np.uint8))


def test_an_overlay_is_reddest_where_the_heat_is():
    pixels, heat = np.full((64, 80), 0.5, dtype=np.float32), np.zeros((64, 80), dtype=np.float32)
    heat[10:20, 30:40], heat[40:50, 60:70] = MAX_HEAT, MAX_HEAT / 2
    shown = blend_heat(pixels, heat).astype(int)
    redness = shown[..., 0] - shown[..., 2]
    assert redness[15, 35] > redness[45, 65] > redness[60, 5] == 0
    assert (redness[10:20, 30:40] == redness.max()).all()


def test_the_same_heat_has_the_same_colour_in_every_image():
    pixels = np.full((64, 64), 0.5, dtype=np.float32)
    mild, wild = np.full((64, 64), 1.0, dtype=np.float32), np.full((64, 64), 1.0, dtype=np.float32)
    wild[0, 0] = 100
    assert np.array_equal(blend_heat(pixels, mild)[1:], blend_heat(pixels, wild)[1:])
    assert np.array_equal(blend_heat(pixels, wild)[0, 0], blend_heat(pixels, wild * MAX_HEAT)[0, 0])


TWINS = ("left/Scan.png", "left/scan.png", "/abs/x.png", "abs/x.png", "Gr\u00f6\u00dfe.png", "gro\u0308sse.png")


def test_overlays_of_similar_names_are_distinct_on_every_system(tmp_path):
    clashing = find_clashing_overlays([*TWINS, "left/other.png"])
    separate_overlays(tmp_path, clashing)
    assert clashing == sorted(TWINS)
    paths = [unicodedata.normalize("NFD", str(heat_path(tmp_path, name))).casefold() for name in TWINS]
    assert len(set(paths)) == len(TWINS)
    assert heat_path(tmp_path, "left/other.png") == tmp_path / "heat" / "left" / "other.png.png"


@pytest.mark.parametrize("name", TWINS)
def test_an_overlay_whose_name_clashes_with_none_keeps_its_path(name, tmp_path):
    assert find_clashing_overlays([name, "left/other.png"]) == []
    assert heat_path(tmp_path, name) == tmp_path / "heat" / f"{name.removeprefix('/')}.png"
