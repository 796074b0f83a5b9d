"""A killed run goes on where it was, and ends as if nothing had happened."""

import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

import unoqa
from clinic import small
from interrupting import Failing, PowerCut
from unoqa import Recipe
from unoqa.batch import Mode, grade_files
from unoqa.batch.results import MADE_LATER
from unoqa.core.errors import ResultsError
from unoqa.core.progress import NoProgress
from unoqa.grader.source import ImageSource

JOURNAL = ".unfinished/journal.jsonl"


loaded = cache(unoqa.load)


def graded(folder, images, results, *, heat=False, progress=None):
    options = {"mode": Mode.AS_MODEL, "heat": heat, "progress": progress or NoProgress()}
    with grade_files(loaded(folder), ImageSource.find(images), results, **options) as result:
        return result


def cut(folder, images, results, *, after, heat=False):
    with pytest.raises(PowerCut):
        graded(folder, images, results, heat=heat, progress=Failing(after))
    assert not (results / "grades.csv").exists()


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "run.json"
    }


@pytest.fixture
def scans(clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 6)
    (folder / "scan_0002.png").rename(folder / "scan_0002 Größe 眼.png")
    (folder / "scan_0004.png").write_text("no image")
    return folder


def test_a_run_that_goes_on_ends_as_one_that_was_never_cut(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "whole", heat=True)
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["grades.csv", "heat", "run.json"]


def test_what_was_scored_is_not_scored_again_with_more_threads_either(settled_model, scans, tmp_path, torch_threads):
    torch_threads(1)  # pieces follow one another, so that the third step is of the third image
    cut(settled_model, scans, tmp_path / "results", after=3, heat=True)
    overlays = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "heat").iterdir()}
    torch_threads(2)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert len(overlays) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in overlays.items())


def test_a_run_cut_while_its_result_is_drawn_is_unfinished_and_scores_nothing_again(settled_model, scans, tmp_path):
    arguments = (loaded(settled_model), ImageSource.find(scans), tmp_path / "results")
    options = {"mode": Mode.AS_MODEL, "heat": True, "progress": NoProgress()}
    with pytest.raises(PowerCut), grade_files(*arguments, **options):
        raise PowerCut
    overlays = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "heat").iterdir()}
    with grade_files(*arguments, **options):
        assert {path: path.stat().st_mtime_ns for path in overlays} == overlays
    assert len(overlays) == 5
    assert not (tmp_path / "results" / JOURNAL).parent.exists()


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


def test_a_line_cut_anywhere_costs_that_line_alone(settled_model, scans, tmp_path):
    graded(settled_model, scans, tmp_path / "whole")
    cut(settled_model, scans, tmp_path / "results", after=3)
    written = (tmp_path / "results" / JOURNAL).read_bytes()
    for length in (0, 10, len(written) // 2, len(written) - 1):
        (tmp_path / "results" / JOURNAL).parent.mkdir(exist_ok=True)
        (tmp_path / "results" / JOURNAL).write_bytes(written[:length])
        graded(settled_model, scans, tmp_path / "results")
        assert files(tmp_path / "results") == files(tmp_path / "whole"), length


def test_a_run_with_heat_does_not_go_on_from_one_without(settled_model, scans, tmp_path):
    cut(settled_model, scans, tmp_path / "results", after=3, heat=False)
    graded(settled_model, scans, tmp_path / "results", heat=True)
    assert len(list((tmp_path / "results" / "heat").iterdir())) == 5


def test_an_unfinished_run_of_another_model_is_not_gone_on_with(model, settled_model, clinic, tmp_path):
    cut(settled_model, clinic.mixed, tmp_path / "results", after=3)
    with pytest.raises(ResultsError) as error:
        graded(model, clinic.mixed, tmp_path / "results")
    assert str(error.value) == (
        f"{tmp_path / 'results'} holds an unfinished run of another model; name a new folder, or remove that one if it "
        "is not needed."
    )


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
def test_a_process_killed_at_any_moment_goes_on_to_identical_results(model, clinic, tmp_path):
    command = [
        shutil.which("unoqa", path=Path(sys.executable).parent),
        "grade",
        str(clinic.mixed),
        "-m",
        str(model),
    ]
    subprocess.run([*command, "-o", str(tmp_path / "whole")], check=True, capture_output=True)
    for lines in (2, 20, 35):
        killed_after(lines, [*command, "-o", str(tmp_path / "results")], tmp_path / "results" / JOURNAL)
    assert not (tmp_path / "results" / "grades.csv").exists()
    subprocess.run([*command, "-o", str(tmp_path / "results")], check=True, capture_output=True)
    assert files(tmp_path / "results") == files(tmp_path / "whole")


def killed_after(lines, command, journal):
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > lines:
            break
        time.sleep(0.005)
    assert process.poll() is None, process.stderr.read()
    process.kill()
    process.communicate()


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
