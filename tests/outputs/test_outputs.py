"""Every view of a record: the same record gives the same bytes, and nothing else is written."""

from __future__ import annotations

import csv
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unoqa.core.assessment import Assessment
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.grader.overlay import MAX_HEAT, blend_heat
from unoqa.outputs import OUTPUTS, write_default_outputs
from unoqa.store.formulas import FORMULA_STARTS
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run
from unoqa.store.results.folder import heat_path, separate_overlays

# Folders of DICOM objects are made from DICOM objects only: test_dicom.py.
every_output = pytest.mark.parametrize("name", [name for name in OUTPUTS.names() if not OUTPUTS.load(name).folder])


def finding(words):
    return Finding(words, words, 5.0, False, "", 1.0, 0.0, 0.0, 1.0, "share", 1)


BLURRED = (finding("blur"), finding("motion lines"))

GRADINGS = (
    Grading("eye 1.png", Grade.OUTSTANDING, -0.5, 1.25, 1.0, percentile=0.5),
    Grading(
        "größe/眼.png",
        Grade.GRADABLE,
        1.5,
        1.25,
        0.123456789,
        (finding("blur"), finding("motion lines")),
        percentile=0.04,
    ),
    Grading('=HYPERLINK("x").png', Grade.UNGRADABLE, 1e6, 1.25, 0.0, (finding("-dim"),), out_of_scope="other-size"),
    Grading("bad.tif", None, None, 1.25, None, (), "truncated: bad.tif ends early; copy it again."),
    Grading("lonely.png", None, 2.0, 1.25, None, (), "cohort-too-small: 1 image."),
)

FACTS = {"unoqa": "0.1.0", "seed": 0, "model": "größe", "counts": {"outstanding": 1}, "seconds": 1.5, "none": None}

GRADES_CSV = """\
image,grade,grade_code,score,threshold,certainty,reasons,error,percentile,out_of_scope
eye 1.png,outstanding,2,-0.500000,1.250000,1.000000,,,0.500000,
größe/眼.png,gradable,1,1.500000,1.250000,0.123457,blur; motion lines,,0.040000,
"'=HYPERLINK(""x"").png",ungradable,0,1000000.000000,1.250000,0.000000,'-dim,,,other-size
bad.tif,,,,1.250000,,,truncated: bad.tif ends early; copy it again.,,
lonely.png,,,2.000000,1.250000,,no single fault stands out,cohort-too-small: 1 image.,,
"""


def record(folder, gradings=GRADINGS, facts=FACTS, images=None):
    """Write a record of these gradings; their images are drawn if a folder for them is given."""
    entries = [ImageEntry(one.image, str(images / one.image) if images else "") for one in gradings]
    with begin_run(folder, RunPlan(entries, str(images or ""), "model", "conditions")) as run:
        for position, one in enumerate(gradings):
            if one.score is not None:
                run.add(
                    position,
                    Assessment(
                        one.image,
                        one.score,
                        digest="x",
                        percentile=one.percentile,
                        findings=one.findings,
                        out_of_scope=one.out_of_scope,
                    ),
                )
        run.finish(gradings, threshold=1.25, facts=facts)
    return folder


def draw_images(folder, results, gradings=GRADINGS):
    for one in gradings:
        for path in (folder / one.image, heat_path(results, one.image)):
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(0).integers(0, 200, (70, 90), dtype=np.uint8)
            Image.fromarray(pixels).convert("RGB").save(path, format="PNG")


def write(name, folder, images=None):
    output = OUTPUTS.load(name)
    with Results.open(folder) as results:
        output().write(results, folder / output.file, images=images)
    return (folder / output.file).read_bytes()


@every_output
def test_an_output_is_the_same_each_time_and_the_only_file_written(name, tmp_path):
    folder = record(tmp_path / "results", images=tmp_path / "images")
    draw_images(tmp_path / "images", folder)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    first = write(name, folder)
    assert write(name, folder) == first
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before == {folder / OUTPUTS.load(name).file}
    assert str(tmp_path).encode() not in first


@every_output
def test_a_record_without_images_has_every_view(name, tmp_path):
    write(name, record(tmp_path / "results", gradings=()))


@every_output
def test_an_output_that_reads_images_says_so_and_where_they_are_missing(name, tmp_path):
    folder = record(tmp_path / "results", images=tmp_path / "images")
    output = OUTPUTS.load(name)
    if output.needs_images:
        with pytest.raises(Exception, match=r"If the images were moved, name their folder"):
            write(name, folder)
        assert not (folder / output.file).exists()
    else:
        write(name, folder)


@every_output
def test_images_that_were_moved_are_found_in_their_new_folder(name, tmp_path):
    folder = record(tmp_path / "results", images=tmp_path / "images")
    draw_images(tmp_path / "images", folder)
    there = write(name, folder)
    (tmp_path / "images").rename(tmp_path / "archive")
    assert write(name, folder, images=tmp_path / "archive") == there


def test_views_that_need_no_image_are_written_also_where_the_images_are_missing(tmp_path):
    folder = record(tmp_path / "results", images=tmp_path / "images")
    with Results.open(folder) as results, pytest.raises(Exception, match="If the images were moved"):
        write_default_outputs(results)
    assert (folder / "grades.csv").read_bytes() == GRADES_CSV.encode()
    assert (folder / "run.json").is_file()


def test_grades_csv_to_the_byte(tmp_path):
    assert write("grades_csv", record(tmp_path)) == GRADES_CSV.encode()


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1))
def test_no_cell_is_a_formula_and_every_name_can_be_read_back(tmp_path_factory, name):
    folder = record(tmp_path_factory.mktemp("run"), gradings=(Grading(name, None, None, 0.0, None),))
    write("grades_csv", folder)
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        _, row = csv.reader(file)
    assert not row[0].startswith(FORMULA_STARTS)
    assert row[0].removeprefix("'") == name.removeprefix("'")


def test_run_json_holds_the_facts_readable_for_people(tmp_path):
    text = write("run_json", record(tmp_path)).decode("utf-8")
    assert json.loads(text) == FACTS
    assert '"model": "größe"' in text
    assert text.endswith("}\n")


def test_an_image_without_heat_stays_grey():
    pixels = np.random.default_rng(0).random((70, 90), dtype=np.float32) * 0.6
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
    assert separate_overlays(tmp_path, [*TWINS, "left/other.png"]) == sorted(TWINS)
    paths = [unicodedata.normalize("NFD", str(heat_path(tmp_path, name))).casefold() for name in TWINS]
    assert len(set(paths)) == len(TWINS)
    assert heat_path(tmp_path, "left/other.png") == tmp_path / "heat" / "left" / "other.png.png"


@pytest.mark.parametrize("name", TWINS)
def test_an_overlay_whose_name_clashes_with_none_keeps_its_path(name, tmp_path):
    assert separate_overlays(tmp_path, [name, "left/other.png"]) == []
    assert heat_path(tmp_path, name) == tmp_path / "heat" / f"{name.removeprefix('/')}.png"
