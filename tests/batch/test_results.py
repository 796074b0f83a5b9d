"""A results folder holds one run: its rows in order, its facts, its pictures; and nothing of it changes."""

import csv
import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import unoqa
from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import CohortError, ResultsError, UsageError
from unoqa.core.progress import NoProgress
from unoqa.grader.cohort import CohortResult
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.store.model_folder import read_model_folder
from unoqa.store.results.folder import MADE_LATER, heat_path

loaded = cache(unoqa.load)

VIEWS = [".lock", "cohort.png", "grades.csv", "heat", "points.raw", "record.sqlite", "report.html", "run.json"]


def graded(folder, images, results, *, mode=Mode.AS_MODEL, heat=False, progress=None):
    options = GradeOptions(mode=mode, heat=heat)
    with grade_to_folder(loaded(folder), images, results, options, progress=progress or NoProgress()) as record:
        return CohortResult(record.gradings, tuple(record.facts["warnings"]))


def rows(results):
    with (results / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def size(path):
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def scans(clinic, tmp_path):
    return clinic.some(tmp_path / "scans", 3)


def test_one_row_an_image_in_the_order_of_the_folder(settled_model, scans, tmp_path):
    result = graded(settled_model, scans, tmp_path / "results")
    header = (tmp_path / "results" / "grades.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "image,grade,grade_code,score,threshold,certainty,reasons,error,percentile,out_of_scope"
    assert [row["image"] for row in rows(tmp_path / "results")] == ["scan_0001.png", "scan_0002.png", "scan_0003.png"]
    assert [row["grade"] for row in rows(tmp_path / "results")] == [one.grade.word for one in result.gradings]


def test_files_are_graded_in_the_order_given(settled_model, scans, tmp_path):
    files = [scans / f"scan_000{number}.png" for number in (3, 1, 2)]
    graded(settled_model, files, tmp_path / "results")
    assert [row["image"] for row in rows(tmp_path / "results")] == [file.name for file in files]


def test_the_words_codes_and_numbers_of_a_row_agree(settled_model, clinic, tmp_path):
    graded(settled_model, clinic.some(tmp_path / "scans", 16), tmp_path / "results")
    codes = {"outstanding": "2", "gradable": "1", "ungradable": "0"}
    for row in rows(tmp_path / "results"):
        assert row["grade_code"] == codes[row["grade"]]
        assert (float(row["score"]) > float(row["threshold"])) == (row["grade"] != "outstanding")
        assert 0 <= float(row["certainty"]) <= 1
        assert bool(row["reasons"]) == (row["grade"] != "outstanding")
        assert row["error"] == ""


def test_a_run_into_another_folder_and_one_into_the_same_give_the_same_bytes(model, clinic, tmp_path):
    scans = clinic.some(tmp_path / "scans", 16)
    graded(model, scans, tmp_path / "first")
    first = (tmp_path / "first" / "grades.csv").read_bytes()
    graded(model, scans, tmp_path / "second")
    graded(model, scans, tmp_path / "first")
    assert (
        first == (tmp_path / "first" / "grades.csv").read_bytes() == (tmp_path / "second" / "grades.csv").read_bytes()
    )


def test_the_facts_of_a_run_name_no_path_of_the_machine(settled_model, scans, tmp_path):
    (scans / "notes.txt").write_text("no image")
    graded(settled_model, scans, tmp_path / "results")
    text = (tmp_path / "results" / "run.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    assert str(tmp_path) not in text
    assert facts["model"] == read_model_folder(settled_model).checksum
    assert facts["counts"]["all"] == 3
    assert facts["counts"]["ignored"] == 1
    assert facts["split"] == "settled"
    assert facts["seed"] == 0


def test_each_image_has_an_overlay_of_its_own_size(settled_model, scans, tmp_path):
    with Image.open(scans / "scan_0001.png") as picture:
        picture.resize((400, 300)).save(scans / "wide.png")
    graded(settled_model, scans, tmp_path / "results", heat=True)
    sizes = {path.name: size(path) for path in (tmp_path / "results" / "heat").iterdir()}
    expected = {f"scan_000{number}.png.png": (320, 320) for number in (1, 2, 3)}
    assert sizes == {**expected, "wide.png.png": (400, 300)}


def test_no_heat_leaves_no_overlays(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "results", heat=False)
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [
        ".lock",
        "grades.csv",
        "points.raw",
        "record.sqlite",
        "report.html",
        "run.json",
    ]


def test_a_file_that_cannot_be_graded_keeps_its_row_with_a_code(settled_model, scans, tmp_path):
    (scans / "a_text.png").write_text("no image")
    (scans / "b_cut.png").write_bytes((scans / "scan_0001.png").read_bytes()[:5000])
    Image.fromarray(np.full((100, 100), 9, np.uint8)).save(scans / "c_constant.png")
    result = graded(settled_model, scans, tmp_path / "results")
    found = rows(tmp_path / "results")
    assert len(found) == len(result.gradings) == 6
    assert [row["error"].split(":")[0] for row in found] == ["unreadable", "truncated", "constant", "", "", ""]
    assert [row["grade"] == row["score"] == row["certainty"] == "" for row in found] == [True] * 3 + [False] * 3
    assert all(row["threshold"] for row in found)


def test_names_of_subfolders_pages_and_the_world_stay_apart(settled_model, clinic, tmp_path):
    folder = tmp_path / "scans"
    first = clinic.some(folder / "left eye", 1) / "scan_0001.png"
    clinic.some(folder / "Größe 眼底", 1)
    pixels = np.asarray(Image.open(first))
    tifffile.imwrite(folder / "stack.tif", np.stack([pixels, pixels[::-1]]), photometric="minisblack")
    shutil.copy(first, folder / "=cmd|'calc'!A1.png")
    graded(settled_model, folder, tmp_path / "results", heat=True)
    names = ["=cmd|'calc'!A1.png", "Größe 眼底/scan_0001.png", "left eye/scan_0001.png", "stack.tif", "stack.tif#2"]
    assert [row["image"] for row in rows(tmp_path / "results")] == [f"'{names[0]}", *names[1:]]
    overlays = {path.relative_to(tmp_path / "results" / "heat").as_posix() for path in tmp_path.rglob("heat/**/*.png")}
    assert len(overlays) == 5
    assert overlays > {f"{name}.png" for name in names[1:]}
    assert not any(set(overlay) & set('<>:"|?*') for overlay in overlays)  # no file name of Windows holds these


@pytest.mark.parametrize("start", ["", "elsewhere/../"], ids=["whole paths", "paths that go up"])
def test_overlays_of_folders_alike_stay_in_the_results_folder(start, settled_model, clinic, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    sites = [clinic.some(tmp_path / site / "scans", 2) and tmp_path / start / site / "scans" for site in ("a", "b")]
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    graded(settled_model, sites, tmp_path / "results", heat=True)
    fresh = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(tmp_path / "results") for path in fresh)
    assert len({path for path in fresh if path.is_relative_to(tmp_path / "results" / "heat")}) == 4


def test_overlays_of_paths_above_the_folder_stay_apart(settled_model, clinic, tmp_path, monkeypatch):
    for site in ("scans", "work/scans"):
        clinic.some(tmp_path / site, 1)
    monkeypatch.chdir(tmp_path / "work")
    graded(settled_model, [Path("../scans"), Path("scans")], tmp_path / "results", heat=True)
    found = sorted(path.relative_to(tmp_path / "results" / "heat") for path in tmp_path.rglob("heat/**/*.png"))
    assert [row["image"] for row in rows(tmp_path / "results")] == ["../scans/scan_0001.png", "scans/scan_0001.png"]
    assert [path.as_posix() for path in found if path.parts[0] == "scans"] == ["scans/scan_0001.png.png"]
    assert len(found) == 2


@pytest.mark.parametrize("name", ["//server/share/a.png", "/a.png", "C:/a.png", "../../a.png", "con.png", "a. /b.png"])
def test_no_name_leads_an_overlay_out_of_the_results(name, tmp_path):
    path = heat_path(tmp_path, name)
    assert path.resolve().is_relative_to((tmp_path / "heat").resolve())
    assert path.suffix == ".png"


def test_a_file_name_of_full_length_is_graded(settled_model, scans, tmp_path):
    (scans / "scan_0001.png").rename(scans / f"{'x' * 240}.png")
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert [row["error"] for row in rows(tmp_path / "results")] == [""] * 3


def test_the_results_of_another_model_are_not_touched(settled, settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "results")
    replace(settled, cohort=41).save(tmp_path / "other")
    with pytest.raises(ResultsError) as error:
        graded(tmp_path / "other", scans, tmp_path / "results")
    assert str(error.value) == f"{tmp_path / 'results'} holds the results of another model; name a new folder."
    assert (
        json.loads((tmp_path / "results" / "run.json").read_text())["model"]
        == read_model_folder(settled_model).checksum
    )


def test_the_results_of_other_images_are_not_touched(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "results")
    (scans / "scan_0003.png").unlink()
    with pytest.raises(ResultsError) as error:
        graded(settled_model, scans, tmp_path / "results")
    assert str(error.value) == (
        f"{tmp_path / 'results'} holds the results of other images; name a new folder, or add these images to it "
        "(append)."
    )
    assert len(rows(tmp_path / "results")) == 3


def test_a_folder_of_something_else_is_not_touched(settled_model, scans, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.doc").write_text("years of work")
    with pytest.raises(ResultsError) as error:
        graded(settled_model, scans, tmp_path / "thesis")
    assert str(error.value) == (
        f"{tmp_path / 'thesis'} holds something that is not a result of unoqa; name a new folder."
    )
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.doc"]


def test_a_file_is_no_results_folder(settled_model, scans, tmp_path):
    (tmp_path / "file").write_text("years of work")
    with pytest.raises(ResultsError) as error:
        graded(settled_model, scans, tmp_path / "file")
    assert str(error.value) == f"{tmp_path / 'file'} is a file; name a folder for the results."


def test_a_small_cohort_makes_no_results_folder(model, scans, tmp_path):
    with pytest.raises(CohortError, match=r"^Grading a cohort takes at least 10 images, and there are 3; "):
        graded(model, scans, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_grading_alone_takes_a_settled_model(model, clinic, tmp_path):
    with pytest.raises(UsageError) as error:
        graded(model, clinic.mixed, tmp_path / "results", mode=Mode.ALONE)
    assert str(error.value) == (
        "Grading single images takes a settled model, and this one is not settled: run "
        "`unoqa settle COHORT -m MODEL -o MODEL2` (in Python: `grader.settle(cohort)`) on a mixed cohort first."
    )


def test_a_settled_model_grades_a_cohort_anew_where_that_is_wanted(settled_model, model, clinic, tmp_path):
    scans = clinic.some(tmp_path / "scans", 16)
    anew = graded(settled_model, scans, tmp_path / "anew", mode=Mode.COHORT)
    cohort = graded(model, scans, tmp_path / "cohort")
    assert anew == cohort
    assert json.loads((tmp_path / "anew" / "run.json").read_text(encoding="utf-8"))["split"] == "cohort"


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_a_file_manager_leaves_does_not_bar_a_folder(name, settled_model, scans, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / name).touch()
    graded(settled_model, scans, tmp_path / "results")
    assert len(rows(tmp_path / "results")) == 3


def test_images_that_differ_in_case_alone_have_an_overlay_each(settled_model, scans, tmp_path):
    for site, name in (("left", "Scan.png"), ("right", "scan.png")):
        (tmp_path / site).mkdir()
        shutil.copy(scans / "scan_0001.png", tmp_path / site / name)
    result = graded(settled_model, [tmp_path / "left", tmp_path / "right"], tmp_path / "results", heat=True)
    assert [one.image for one in result.gradings] == ["Scan.png", "scan.png"]
    paths = [heat_path(tmp_path / "results", one.image) for one in result.gradings]
    assert all(path.is_file() for path in paths)
    assert len({str(path).lower() for path in paths}) == 2


def test_grading_again_leaves_nothing_of_the_earlier_grades(settled_model, scans, tmp_path):
    results = tmp_path / "results"
    graded(settled_model, scans, results, heat=True)
    for name in MADE_LATER:
        (results / name).touch()
    (scans / "scan_0002.png").write_text("no image")
    graded(settled_model, scans, results, heat=True)
    assert sorted(path.name for path in results.iterdir()) == VIEWS
    assert sorted(path.name for path in (results / "heat").iterdir()) == ["scan_0001.png.png", "scan_0003.png.png"]
    graded(settled_model, scans, results)
    assert sorted(path.name for path in results.iterdir()) == [
        ".lock",
        "grades.csv",
        "points.raw",
        "record.sqlite",
        "report.html",
        "run.json",
    ]
