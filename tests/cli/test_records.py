"""Commands around a results folder: report, info, clean, append, log."""

from __future__ import annotations

import re
import shutil

import pytest

from unoqa.batch.worker import Worker
from unoqa.store.results import Results


@pytest.fixture
def scans(clinic, tmp_path):
    return clinic.some(tmp_path / "scans", 3)


@pytest.fixture
def graded(unoqa, scans, settled_model, tmp_path):
    """Return results without heat and pictures, which take longer than all the rest."""
    ended = unoqa("grade", scans, "-m", settled_model, "-o", tmp_path / "results", "-q", "--no-heat")
    assert ended.exit_code == 0, ended.output
    return tmp_path / "results"


@pytest.fixture
def pictured(unoqa, scans, settled_model, tmp_path):
    """Return results with everything."""
    ended = unoqa("grade", scans, "-m", settled_model, "-o", tmp_path / "results", "-q")
    assert ended.exit_code == 0, ended.output
    return tmp_path / "results"


VIEWS = ("grades.csv", "run.json", "cohort.png", "report.html")


def test_report_makes_the_views_again_to_the_byte(unoqa, pictured):
    before = {name: (pictured / name).read_bytes() for name in VIEWS}
    for name in VIEWS:
        (pictured / name).unlink()
    ended = unoqa("report", pictured)
    assert ended.exit_code == 0, ended.output
    assert {name: (pictured / name).read_bytes() for name in VIEWS} == before


def test_report_says_what_it_cannot_make_and_where_to_look(unoqa, pictured, scans, tmp_path):
    scans.rename(tmp_path / "archive")
    ended = unoqa("report", pictured)
    assert ended.exit_code == 3
    assert "cohort.png was not made: " in ended.stderr
    assert "name their folder with the setting images" in ended.stderr
    assert "report.html was not made: " not in ended.stderr  # it is drawn from the overlays
    assert unoqa("report", pictured, "--images", tmp_path / "archive").exit_code == 0


def test_without_overlays_the_report_needs_the_images(unoqa, graded, scans, tmp_path):
    scans.rename(tmp_path / "archive")
    ended = unoqa("report", graded)
    assert ended.exit_code == 3
    assert "report.html was not made: " in ended.stderr


def test_the_methods_paragraph_is_printed_and_nothing_is_written(unoqa, graded):
    before = {path: path.stat().st_mtime_ns for path in graded.iterdir()}
    ended = unoqa("report", graded, "--methods")
    assert ended.exit_code == 0, ended.output
    for words in ("3 OCTA en-face images", "recipe measures", "fitted on 30 outstanding images", "arXiv:2212.10541"):
        assert words in ended.stdout
    assert {path: path.stat().st_mtime_ns for path in graded.iterdir()} == before


def test_no_report_writes_none(unoqa, scans, settled_model, tmp_path):
    words = ("grade", scans, "-m", settled_model, "-o", tmp_path / "results", "-q", "--no-heat", "--no-report")
    assert unoqa(*words).exit_code == 0
    assert not (tmp_path / "results" / "report.html").exists()
    assert (tmp_path / "results" / "grades.csv").is_file()


@pytest.fixture
def unfinished(unoqa, graded, scans, settled_model, monkeypatch):
    """Return results of a finished run, and of one after it that was interrupted at its second image."""

    def interrupt(self, task):
        if "0002" in task.image.name:
            raise KeyboardInterrupt
        return assess(self, task)

    assess = Worker.__call__
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "__call__", interrupt)
        ended = unoqa("grade", scans, "-m", settled_model, "-o", graded, "-q", "--no-heat", "--findings", "all")
    assert ended.exit_code == 130, ended.output
    return graded


def test_a_run_that_is_not_finished_is_not_taken_for_an_earlier_one(unoqa, unfinished, label_file):
    again = f"The run in {unfinished} is not finished; give the same `unoqa grade` command again.\n"
    labels = label_file("image,grade\nscan_0001.png,1\n")
    for ended in (unoqa("report", unfinished), unoqa("evaluate", unfinished, "--labels", labels)):
        assert (ended.exit_code, ended.stdout, ended.stderr) == (2, "", f"unoqa: {again}")
    table = unfinished.with_name("final.csv")
    ended = unoqa("export", unfinished, "-o", table)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (2, "", f"unoqa: {again}")
    assert not table.exists()
    told = unoqa("info", unfinished)
    assert (told.exit_code, told.stdout) == (
        0,
        "An unfinished run of 3 images; give the same `unoqa grade` command again.\n",
    )


def test_report_of_something_else_is_refused(unoqa, scans):
    ended = unoqa("report", scans)
    assert (ended.exit_code, ended.stderr) == (
        2,
        f"unoqa: {scans} holds no results; name a folder that `unoqa grade … -o FOLDER` made.\n",
    )


def test_info_tells_a_model_and_results(unoqa, graded, settled_model):
    model, results = unoqa("info", settled_model), unoqa("info", graded)
    assert (model.exit_code, results.exit_code) == (0, 0)
    assert model.stdout == (settled_model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "α = 0.1" in model.stdout
    assert "ungradable from a score of" in model.stdout
    assert re.search(
        r"^images: 3: \d outstanding, \d gradable, \d ungradable, 0 without a grade$", results.stdout, re.M
    )
    assert "recipe: measures\nseed: 0\n" in results.stdout
    assert re.search(r"^gradable or ungradable: as the model was settled$", results.stdout, re.M)
    assert re.search(r"^threshold: \d\.\d{6}$", results.stdout, re.M)
    assert "alpha: 0.1" in results.stdout


def test_info_of_something_else_is_refused(unoqa, scans):
    ended = unoqa("info", scans)
    assert ended.exit_code == 2
    assert "is neither a model folder nor a results folder" in ended.stderr


def test_images_are_added_to_results(unoqa, graded, clinic, settled_model, tmp_path):
    before = (graded / "grades.csv").read_text(encoding="utf-8")
    (tmp_path / "today").mkdir()
    shutil.copy(sorted(clinic.mixed.iterdir())[7], tmp_path / "today")
    refused = unoqa("grade", tmp_path / "today", "-m", settled_model, "-o", graded)
    assert refused.exit_code == 2
    assert "holds the results of other images" in refused.stderr
    ended = unoqa("grade", tmp_path / "today", "-m", settled_model, "-o", graded, "--append", "--no-heat")
    assert ended.exit_code == 0, ended.output
    assert "Continuing" not in ended.stderr  # all that was named is new
    assert (graded / "grades.csv").read_text(encoding="utf-8").startswith(before)
    with Results.open(graded) as results:
        assert len(results.gradings) == 4


def test_images_are_added_though_earlier_ones_are_gone(unoqa, pictured, scans, clinic, settled_model, tmp_path):
    (tmp_path / "today").mkdir()
    shutil.copy(sorted(clinic.mixed.iterdir())[7], tmp_path / "today")
    shutil.rmtree(scans)
    ended = unoqa("grade", tmp_path / "today", "-m", settled_model, "-o", pictured, "--append")
    assert ended.exit_code == 0, ended.output
    assert "cohort.png was not made: " in ended.stderr
    assert ended.stderr.endswith(f"Results in {pictured}: record.sqlite, grades.csv, run.json, heat/, report.html.\n")
    assert not (pictured / "cohort.png").exists()


def test_only_a_settled_model_adds_images(unoqa, clinic, model, tmp_path):
    ended = unoqa("grade", clinic.mixed, "-m", model, "-o", tmp_path / "results", "--append")
    assert ended.exit_code == 2
    assert ended.stderr.startswith("unoqa: Grading single images takes a settled model")


def test_findings_of_all_images_are_recorded_when_wanted(unoqa, clinic, settled_model, tmp_path):
    scans = clinic.some(tmp_path / "scans", 12)
    counts = []
    for wanted in ("refused", "all"):
        ended = unoqa("grade", scans, "-m", settled_model, "-o", tmp_path / wanted, "--findings", wanted, "--no-heat")
        assert ended.exit_code == 0, ended.output
        with Results.open(tmp_path / wanted) as results:
            counts.append(sum(bool(one.findings) for one in results.gradings))
    assert counts[1] > counts[0]
    assert (tmp_path / "all" / "grades.csv").read_bytes() == (tmp_path / "refused" / "grades.csv").read_bytes()


def test_a_log_holds_every_message_with_its_time_also_of_a_quiet_run(unoqa, scans, settled_model, tmp_path):
    log = tmp_path / "logs" / "unoqa.log"
    (scans / "broken.png").write_text("no image")
    ended = unoqa("grade", scans, "-m", settled_model, "-o", tmp_path / "results", "-q", "--no-heat", "--log", log)
    assert ended.exit_code == 3
    lines = log.read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert any("4 images: " in line for line in lines)
    assert any("broken.png: unreadable: " in line for line in lines)
    again = unoqa("evaluate", tmp_path / "results", "--labels", tmp_path / "none.csv")
    assert again.exit_code == 2
    assert log.read_text(encoding="utf-8").splitlines() == lines


def test_clean_removes_unfinished_work_and_nothing_else(unoqa, graded, settled_model, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(settled_model, models / "site")
    (models / ".new.unfinished" / "features-0123456789abcdef").mkdir(parents=True)
    (models / ".new.unfinished" / "features-0123456789abcdef" / "0.raw").write_bytes(b"x" * 2_000_000)
    half = models / f".{'0' * 16}.{'1' * 32}.part"
    half.write_bytes(b"half")
    asked = unoqa("clean", models, typed="n\n")
    assert asked.exit_code == 0
    assert f"{models / '.new.unfinished'} (2.0 MB)" in asked.stderr
    assert half.exists()
    ended = unoqa("clean", models, "--yes")
    assert ended.exit_code == 0
    assert [path.name for path in models.iterdir()] == ["site"]
    assert unoqa("clean", models).stderr == f"{models} holds no unfinished work.\n"
    before = sorted(path for path in graded.rglob("*"))
    assert unoqa("clean", graded, "--yes").exit_code == 0
    assert sorted(path for path in graded.rglob("*")) == before
