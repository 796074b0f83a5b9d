"""A killed run goes on where it was, and ends as if nothing had happened."""

import hashlib
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import unoqa
from clinic import small
from interrupting import Failing, PowerCut
from unoqa import Recipe
from unoqa.batch import GradeOptions
from unoqa.core.errors import ResultsError
from unoqa.core.progress import NoProgress
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.store.results.folder import MADE_LATER

RECORD = "record.sqlite"

VIEWS = [".lock", "cohort.png", "grades.csv", "heat", "points.raw", RECORD, "report.html", "run.json"]


loaded = cache(unoqa.load)


def graded(folder, images, results, *, heat=False, progress=None):
    options = GradeOptions(heat=heat)
    with grade_to_folder(loaded(folder), images, results, options, progress=progress or NoProgress()) as record:
        return record.gradings


def cut(folder, images, results, *, after, heat=False):
    with pytest.raises(PowerCut):
        graded(folder, images, results, heat=heat, progress=Failing(after))
    assert not (results / "grades.csv").exists()


def files(folder):
    """Return digests of the views and overlays: what the record gives, apart from times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("run.json", RECORD, ".lock", "points.raw")
    }


@pytest.fixture
def scans(clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 6)
    (folder / "scan_0002.png").rename(folder / "scan_0002 Größe 眼.png")
    (folder / "scan_0004.png").write_text("no image")
    return folder


@pytest.mark.requirement("R4")
def test_a_run_that_goes_on_ends_as_one_that_was_never_cut(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "whole", heat=True)
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == VIEWS


def test_what_was_scored_is_not_scored_again_with_more_threads_either(settled_model, scans, tmp_path, torch_threads):
    torch_threads(1)  # pieces follow one another, so that the third step is of the third image
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    overlays = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "heat").iterdir()}
    torch_threads(2)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert len(overlays) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in overlays.items())


def test_a_run_cut_while_its_views_are_made_scores_nothing_again(settled_model, scans, tmp_path, monkeypatch):
    def cut_power(*_, **__):
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr("unoqa.outputs.cohort_png.CohortPng.write", cut_power)
        with pytest.raises(PowerCut):
            graded(settled_model, scans, tmp_path / "results", heat=True)
    overlays = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "heat").iterdir()}
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert {path: path.stat().st_mtime_ns for path in overlays} == overlays
    assert len(overlays) == 5
    assert (tmp_path / "results" / "cohort.png").is_file()


def test_overlays_that_somebody_took_away_meanwhile_are_made_again(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "whole", heat=True)
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    shutil.rmtree(tmp_path / "results" / "heat")
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def test_what_a_kill_left_half_written_does_not_stay(settled_model, scans, tmp_path):
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    killed = (
        "import os, pathlib, signal, sys; from unoqa.store.files import replace_file\n"
        "with replace_file(pathlib.Path(sys.argv[1])) as fresh:\n"
        "    fresh.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    for path in ("heat/scan_0005.png.png", "grades.csv"):
        subprocess.run([sys.executable, "-c", killed, tmp_path / "results" / path], check=False)
    (tmp_path / "results" / f".{16 * '0'}.{32 * '0'}.part").mkdir()  # of a model that was saved there
    assert len([path for path in files(tmp_path / "results") if path.endswith(".part")]) == 2
    graded(settled_model, scans, tmp_path / "results", heat=True)
    graded(settled_model, scans, tmp_path / "whole", heat=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def test_an_image_that_changed_meanwhile_is_scored_again(settled_model, scans, tmp_path):
    cut(settled_model, scans, tmp_path / "results", after=3)
    shutil.copy(scans / "scan_0006.png", scans / "scan_0001.png")
    graded(settled_model, scans, tmp_path / "results")
    graded(settled_model, scans, tmp_path / "whole")
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def test_a_run_with_heat_does_not_go_on_from_one_without(settled_model, scans, tmp_path):
    cut(settled_model, scans, tmp_path / "results", after=3, heat=False)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert len(list((tmp_path / "results" / "heat").iterdir())) == 5


def test_an_unfinished_run_of_another_model_is_not_gone_on_with(model, settled_model, clinic, tmp_path):
    cut(settled_model, clinic.mixed, tmp_path / "results", after=3)
    with pytest.raises(ResultsError) as error:
        graded(model, clinic.mixed, tmp_path / "results")
    assert str(error.value) == f"{tmp_path / 'results'} holds the results of another model; name a new folder."


def test_images_that_came_since_are_graded_with_the_rest(settled_model, scans, tmp_path):
    shutil.move(scans / "scan_0006.png", tmp_path)
    cut(settled_model, scans, tmp_path / "results", after=3)
    shutil.move(tmp_path / "scan_0006.png", scans)
    graded(settled_model, scans, tmp_path / "results")
    graded(settled_model, scans, tmp_path / "whole")
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def test_a_cohort_clustered_by_its_maps_goes_on_to_the_same_grades(clinic, weights, tmp_path):
    recipe = Recipe.read(small("paper-padim", tmp_path, channels=20, largest_grid=12))
    recipe.fit(clinic.outstanding, weights=weights).save(tmp_path / "model")
    graded(tmp_path / "model", clinic.mixed, tmp_path / "whole")
    cut(tmp_path / "model", clinic.mixed, tmp_path / "results", after=25)
    graded(tmp_path / "model", clinic.mixed, tmp_path / "results")
    assert files(tmp_path / "results") == files(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.requirement("R4")
def test_a_process_killed_at_twenty_moments_ends_with_the_same_grades(model, clinic, tmp_path):
    command = [shutil.which("unoqa", path=Path(sys.executable).parent), "grade", str(clinic.mixed), "-m", str(model)]
    started = time.monotonic()
    subprocess.run([*command, "-o", str(tmp_path / "whole")], check=True, capture_output=True)
    whole = time.monotonic() - started
    moments = np.random.default_rng(0).uniform(0.2, 1.0, 20)
    for share in moments:
        process = subprocess.Popen([*command, "-o", str(tmp_path / "results")], stderr=subprocess.DEVNULL)
        time.sleep(share * whole)
        process.kill()
        process.wait()
    finished = subprocess.run([*command, "-o", str(tmp_path / "results")], check=True, capture_output=True, text=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")
    assert "Continuing at" in finished.stderr


@pytest.mark.requirement("R4")
def test_a_process_killed_within_a_commit_loses_that_commit_alone(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "whole")
    cut(settled_model, scans, tmp_path / "results", after=3)
    killed = (
        "import os, signal, sys; from unoqa.store.results import Results\n"
        "results = Results.open(sys.argv[1]); results.connection.execute('PRAGMA cache_size = 1')\n"
        "results.connection.execute('BEGIN IMMEDIATE')\n"
        "results.connection.execute('UPDATE images SET score = -1, digest = NULL, error = hex(randomblob(99999))')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, tmp_path / "results"], check=False)
    graded(settled_model, scans, tmp_path / "results")
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def test_a_killed_run_over_earlier_grades_leaves_them_whole_until_it_has_gone_on(
    settled_model, scans, tmp_path, torch_threads
):
    torch_threads(1)
    results = tmp_path / "results"
    graded(settled_model, scans, results)
    for name in MADE_LATER:
        (results / name).touch()
    with pytest.raises(PowerCut):
        graded(settled_model, scans, results, heat=True, progress=Failing(3))
    overlays = {path: path.stat().st_mtime_ns for path in (results / "heat").iterdir()}
    assert all((results / name).exists() for name in ("grades.csv", *MADE_LATER))
    graded(settled_model, scans, results, heat=True)
    graded(settled_model, scans, tmp_path / "whole", heat=True)
    assert overlays
    assert all(path.stat().st_mtime_ns == time for path, time in overlays.items())
    assert files(results) == files(tmp_path / "whole")
