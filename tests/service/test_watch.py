"""A folder that is watched: each image is graded once, whatever happens to its file."""

from __future__ import annotations

import os
import shutil

import pytest

from records import rows
from unoqa import Results
from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import UsageError
from unoqa.grader.choice_of_model import Models
from unoqa.grader.privacy import NOTHING_KEPT
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.service.watch import Watcher
from unoqa.service.watched_folder import WatchedFolder
from unoqa.store.holding import hold_folder
from unoqa.store.results.folder import WATCHING, make_folder


@pytest.fixture(scope="module")
def models(settled_model):
    return Models.load([settled_model], device="cpu")


@pytest.fixture
def share(tmp_path):
    folder = tmp_path / "share"
    (folder / "today").mkdir(parents=True)
    return folder


@pytest.fixture
def scans(clinic):
    return sorted(clinic.mixed.iterdir())


def watching(share, models, folder):
    return Watcher(share, models, folder, NOTHING_KEPT, heat=False)


def names(folder):
    with Results.open(folder) as results:
        return [grading.image for grading in results.gradings]


def test_what_arrives_is_graded_once_and_as_one_run_grades_it(share, models, scans, tmp_path):
    watcher = watching(share, models, tmp_path / "results")
    assert watcher.poll() == 0
    shutil.copy(scans[0], share / "today" / "one.png")
    assert watcher.poll() == 0  # it may still grow
    shutil.copy(scans[1], share / "two.png")
    (share / "notes.txt").write_text("no image")
    assert [watcher.poll(), watcher.poll(), watcher.poll()] == [1, 1, 0]
    assert names(tmp_path / "results") == ["today/one.png", "two.png"]
    assert (tmp_path / "results" / "report.html").exists()
    options = GradeOptions(mode=Mode.ALONE, heat=False)
    grade_to_folder(models, share, tmp_path / "whole", options).close()
    assert rows(tmp_path / "results")["images"] == rows(tmp_path / "whole")["images"]


def test_views_are_made_anew_when_nothing_arrives_and_rarely_while_images_keep_coming(share, models, scans, tmp_path):
    watcher, report = watching(share, models, tmp_path / "results"), tmp_path / "results" / "report.html"
    shutil.copy(scans[0], share / "one.png")
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    first = report.stat().st_ino
    shutil.copy(scans[1], share / "two.png")
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    assert names(tmp_path / "results") == ["one.png", "two.png"]
    assert report.stat().st_ino == first  # there, and older
    assert watcher.poll() == 0
    assert "two.png" in report.read_text()
    assert (tmp_path / "results" / "grades.csv").read_text().count("\n") == 3
    made = report.stat().st_ino
    assert watcher.poll() == 0
    assert report.stat().st_ino == made


def test_views_that_a_process_did_not_come_to_make_are_made_by_the_next(share, models, scans, tmp_path):
    shutil.copy(scans[0], share / "one.png")
    watcher = watching(share, models, tmp_path / "results")
    watcher.poll()
    watcher.poll()
    (tmp_path / "results" / "report.html").unlink()
    assert watching(share, models, tmp_path / "results").poll() == 0
    assert (tmp_path / "results" / "report.html").exists()


def test_a_file_that_is_half_written_waits(share, models, scans, tmp_path):
    watcher = watching(share, models, tmp_path / "results")
    data = scans[0].read_bytes()
    (share / "one.png").touch()
    watcher.poll()
    for length in (len(data) // 2, len(data)):
        (share / "one.png").write_bytes(data[:length])
        assert watcher.poll() == 0
    assert watcher.poll() == 1
    with Results.open(tmp_path / "results") as results:
        assert results.gradings[0].error == ""


def test_a_file_whose_writer_paused_is_graded_anew_when_it_is_whole(share, models, scans, tmp_path):
    watcher = watching(share, models, tmp_path / "results")
    data = scans[0].read_bytes()
    (share / "one.png").write_bytes(data[: len(data) // 2])
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    (share / "one.png").write_bytes(data)
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    with Results.open(tmp_path / "results") as results:
        assert [(one.image, one.error) for one in results.gradings] == [("one.png", "")]


def test_renamed_replaced_and_deleted_files(share, models, scans, tmp_path):
    watcher = watching(share, models, tmp_path / "results")
    shutil.copy(scans[0], share / "one.png")
    shutil.copy(scans[1], share / "two.png")
    watcher.poll()
    assert watcher.poll() == 2
    (share / "one.png").rename(share / "today" / "renamed.png")
    watcher.poll()
    assert watcher.poll() == 0
    with Results.open(tmp_path / "results") as results:
        assert results.entry("one.png").path == str(share / "today" / "renamed.png")
        former = results.gradings[1].score
    shutil.copy(scans[2], share / "two.png")
    (share / "today" / "renamed.png").unlink()
    watcher.poll()
    assert watcher.poll() == 1
    with Results.open(tmp_path / "results") as results:
        assert [one.image for one in results.gradings] == ["one.png", "two.png"]
        assert results.gradings[1].score != former


def test_a_restart_loses_nothing_and_repeats_nothing(share, models, scans, tmp_path, monkeypatch):
    results = tmp_path / "results"
    shutil.copy(scans[0], share / "one.png")
    watcher = watching(share, models, results)
    watcher.poll()
    monkeypatch.setattr(Watcher, "_keep_seen", lambda *_: os.kill)  # it dies before it can note what was graded
    assert watcher.poll() == 1
    monkeypatch.undo()
    before = rows(results)
    shutil.copy(scans[1], share / "two.png")
    again = watching(share, models, results)
    assert [again.poll(), again.poll(), again.poll()] == [0, 2, 0]
    assert rows(results)["images"][:1] == before["images"]
    assert names(results) == ["one.png", "two.png"]
    third = watching(share, models, results)
    assert [third.poll(), third.poll()] == [0, 0]


def test_what_cannot_be_watched(models, grader, tmp_path):
    with pytest.raises(UsageError, match=r"There is no folder .*; name the one into which images are exported"):
        watching(tmp_path / "none", models, tmp_path / "results")
    with pytest.raises(UsageError, match="Grading single images takes a settled model"):
        watching(tmp_path, Models.of(grader), tmp_path / "results")


def test_it_says_what_was_graded_and_what_was_not_and_why(share, models, scans, tmp_path):
    said = []
    watcher = Watcher(share, models, tmp_path / "results", NOTHING_KEPT, heat=False, notify=said.append)
    shutil.copy(scans[0], share / "one.png")
    (share / "cut.png").write_bytes(scans[1].read_bytes()[:999])
    assert [watcher.poll(), watcher.poll()] == [0, 2]
    assert len(said) == 1
    assert said[0].startswith("1 graded, 1 failed: cut.png: truncated: ")
    assert not said[0].endswith("..")
    shutil.copy(scans[2], share / "two.png")
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    assert said[1:] == ["1 graded."]  # and nothing of continuing


def test_a_folder_that_is_away_is_told_once_and_so_is_its_return(share, models, scans, tmp_path):
    said = []
    watcher = Watcher(share, models, tmp_path / "results", NOTHING_KEPT, heat=False, notify=said.append)
    share.rename(tmp_path / "away")
    assert [watcher.poll(), watcher.poll()] == [0, 0]
    assert len(said) == 1
    assert said[0].startswith(f"{share} is away since 2")
    assert said[0].endswith(": No such file or directory.")
    (tmp_path / "away").rename(share)
    shutil.copy(scans[0], share / "one.png")
    assert [watcher.poll(), watcher.poll()] == [0, 1]
    assert said[1:] == [f"{share} is back.", "1 graded."]


def test_a_share_that_is_not_mounted_is_away(share, monkeypatch):
    said = []
    (share / "one.png").write_bytes(b"scan")
    watched = WatchedFolder(share, said.append)
    (share / "one.png").unlink()
    assert watched.scan() == {}
    assert said == []  # only empty
    watched = WatchedFolder(share, said.append)
    monkeypatch.setattr(watched, "_device", -1)  # that of a share
    assert watched.scan() == {}
    assert [one.endswith(": nothing is mounted there.") for one in said] == [True]


def test_a_second_process_is_refused_and_so_is_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with hold_folder(tmp_path / "results", WATCHING, "--output"):
        make_folder(tmp_path / "results")  # the lock is no stranger there
        with (
            pytest.raises(UsageError, match=r"Another process works on .*/results already; .* with --output\."),
            hold_folder(tmp_path / "results", WATCHING, "--output"),
        ):
            pass
    with (
        pytest.raises(UsageError, match=r"/file/below cannot be written to \(.*\); .* with --output\."),
        hold_folder(tmp_path / "file" / "below", WATCHING, "--output"),
    ):
        pass
