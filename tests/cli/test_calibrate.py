"""`unoqa calibrate`: labels set the borders of a model, and everything that it makes says so."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import unoqa as package
from unoqa.batch.driver import GradeOptions, grade_files
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.core.grading import Grade
from unoqa.grader.source import ImageSource
from unoqa.report.cohort import Cohort
from unoqa.report.methods import write_methods
from unoqa.store.results import Results


@pytest.fixture(scope="session")
def scans(tmp_path_factory):
    """Return 45 scans, of which none is too poor to be a scan."""
    folder = tmp_path_factory.mktemp("calibrate") / "scans"
    folder.mkdir()
    for scan in draw_scans(outstanding=15, gradable=30, ungradable=0, seed=5, size=320):
        Image.fromarray(scan.pixels).save(folder / Path(scan.name).with_suffix(".png").name)
    return folder


@pytest.fixture(scope="session")
def graded(scans, settled_model):
    """Return the results of these scans."""
    model, source = package.load(settled_model), ImageSource.find(scans)
    with grade_files(model, source, scans.parent / "results", GradeOptions(heat=False)) as results:
        assert not any(one.out_of_scope for one in results.gradings)
        return scans.parent / "results"


def write_labels(path, graded, outstanding, gradable):
    """Write the labels of a reader to whom so many of the best scores are outstanding, and so many gradable."""
    with Results.open(graded) as results:
        ranked = sorted(results.gradings, key=lambda one: one.score)[:44]
    words = ["outstanding"] * outstanding + ["gradable"] * gradable
    words += ["ungradable"] * (len(ranked) - len(words))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("image", "grade"), *((one.image, word) for one, word in zip(ranked, words, strict=True))]
        )
    return {one.image: Grade[word.upper()] for one, word in zip(ranked, words, strict=True)}


@pytest.fixture
def strict(graded, tmp_path):
    """Return the label file of a strict reader."""
    write_labels(tmp_path / "labels.csv", graded, 4, 8)
    return tmp_path / "labels.csv"


@pytest.fixture
def calibrated(unoqa, graded, settled_model, strict, tmp_path):
    ended = unoqa("calibrate", graded, "-m", settled_model, "-o", tmp_path / "calibrated", "--labels", strict)
    assert ended.exit_code == 0, ended.output
    assert "Borders set with the labels of 44 images" in ended.stdout
    assert "to be expected (cross-validation)" in ended.stdout
    return tmp_path / "calibrated"


@pytest.mark.requirement("R17")
def test_a_calibrated_model_grades_as_the_reader_does_and_says_so(unoqa, scans, graded, calibrated, tmp_path):
    wanted = write_labels(tmp_path / "again.csv", graded, 4, 8)
    ended = unoqa("grade", scans, "-m", calibrated, "-o", tmp_path / "results", "--no-heat")
    assert ended.exit_code == 0, ended.output
    with Results.open(tmp_path / "results") as results:
        given = {one.image: one for one in results.gradings}
        methods = write_methods(Cohort.read(results))
    same = [given[image].grade is grade for image, grade in wanted.items()]
    assert sum(same) >= 40
    alone = package.load(calibrated).grade(sorted(scans.iterdir())[0])
    there = given[alone.image]
    assert (alone.grade, alone.score, alone.certainty) == (there.grade, there.score, there.certainty)
    assert "its borders set with labels" in (calibrated / "MODEL_CARD.md").read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert facts["calibration"]["images"] == 44
    assert facts["alpha"] is None
    assert "borders between grades were set with labels" in methods
    assert "conformal" not in methods
    assert "set with labels" in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")


def test_a_calibrated_model_is_not_clustered_anew(unoqa, scans, calibrated, tmp_path):
    for command in (("settle", scans), ("grade", scans, "--cohort")):
        ended = unoqa(*command, "-m", calibrated, "-o", tmp_path / "other")
        assert ended.exit_code == 2
        assert "The borders of this model were set with labels" in ended.stderr


@pytest.mark.requirement("R17")
def test_labels_that_gain_nothing_make_no_model(unoqa, graded, settled_model, tmp_path):
    with Results.open(graded) as results:
        rows = [f"{one.image},{one.grade.word}" for one in results.gradings]
    (tmp_path / "labels.csv").write_text("\n".join(["image,grade", *rows]), encoding="utf-8")
    ended = unoqa(
        "calibrate", graded, "-m", settled_model, "-o", tmp_path / "model", "--labels", tmp_path / "labels.csv"
    )
    assert ended.exit_code == 2
    assert "would gain nothing: kappa is 1.00 now" in ended.stderr
    assert not (tmp_path / "model").exists()


def test_too_few_labels_are_refused_with_their_number(unoqa, graded, settled_model, strict, tmp_path):
    lines = strict.read_text(encoding="utf-8").splitlines()
    strict.write_text("\n".join(lines[:40]), encoding="utf-8")
    ended = unoqa("calibrate", graded, "-m", settled_model, "-o", tmp_path / "model", "--labels", strict)
    assert ended.exit_code == 2
    assert "takes at least 40 graded images with labels, and there are 39" in ended.stderr
    write_labels(strict, graded, 1, 20)
    ended = unoqa("calibrate", graded, "-m", settled_model, "-o", tmp_path / "model", "--labels", strict)
    assert "Of the 44 labelled images 1 is outstanding, and at least 2 of each grade are needed" in ended.stderr


def test_results_of_another_model_are_refused(unoqa, graded, settled_model, strict, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(graded, other)
    for models, words in (
        ([{"model": "0" * 64}], "was graded by another model"),
        ([{}, {}], "holds grades of 2 models"),
    ):
        with Results.open(other) as results:
            results.write_meta(facts={**results.facts, "models": models})
        ended = unoqa("calibrate", other, "-m", settled_model, "-o", tmp_path / "model", "--labels", strict)
        assert ended.exit_code == 2
        assert words in ended.stderr


def test_borders_that_labels_set_are_not_set_by_labels_again(unoqa, graded, calibrated, strict, tmp_path):
    ended = unoqa("calibrate", graded, "-m", calibrated, "-o", tmp_path / "model", "--labels", strict)
    assert ended.exit_code == 2
    assert "The borders of this model were set with labels" in ended.stderr


def test_readers_decisions_serve_as_labels(unoqa, graded, settled_model, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(graded, folder)
    wanted = write_labels(tmp_path / "labels.csv", graded, 4, 8)
    with Results.open(folder) as results:
        for position, one in enumerate(results.gradings):
            results.decide(position, "anna", "grade", wanted.get(one.image, Grade.UNGRADABLE).word)
    ended = unoqa("calibrate", folder, "-m", settled_model, "-o", tmp_path / "model")
    assert ended.exit_code == 0, ended.output
    assert package.load(tmp_path / "model").grader.model.calibration["images"] == 45
