"""Work that the first page starts: one job at a time, whatever is pressed at once."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from reviewed import make_record
from unoqa.app.start import worker
from unoqa.app.start.commands import Wish, make_command
from unoqa.app.start.folders import browse, find_outputs
from unoqa.app.start.images import Count, describe_images, draw_picture
from unoqa.app.start.jobs import JOB, JOBS, LOCK, Jobs
from unoqa.core.errors import UsageError
from unoqa.grader.source import ImageSource
from unoqa.web.roots import Root

QUICK = ["info", "nothing", "-o", "x"]
"""A command that ends at once, with a mistake."""


@pytest.fixture
def jobs(tmp_path):
    made = Jobs(Root(tmp_path))
    yield made
    for child in made._children.values():
        child.kill()
        child.wait()


def start_or_refuse(jobs, barrier):
    barrier.wait()
    try:
        return jobs.start(QUICK)
    except UsageError as error:
        return str(error)


def test_two_presses_at_once_start_one_job(jobs):
    barrier = threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda _: start_or_refuse(jobs, barrier), range(6)))
    assert ends.count("Another job is running; wait for it, or stop it first.") == 5


def test_a_job_that_has_ended_is_not_stopped_and_one_that_never_was_is_not_found(jobs):
    name = jobs.start(QUICK)
    jobs.stop(name)
    jobs._children[name].wait()
    with pytest.raises(UsageError, match="This job has ended already"):
        jobs.stop(name)
    with pytest.raises(UsageError, match="There is no such job any more"):
        jobs.resume("20260101-000000-000000")


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / JOBS / "1"
    folder.mkdir(parents=True)
    (folder / JOB).write_text(json.dumps({"command": ["--version"], "folder": str(tmp_path)}))
    return folder


def test_a_worker_waits_for_a_server_that_looks_at_its_lock(job, monkeypatch):
    ran = []
    monkeypatch.setattr(worker.runpy, "run_module", lambda *_, **__: ran.append(1))
    monkeypatch.setattr(worker.sys, "argv", ["worker"])
    monkeypatch.chdir(job)
    looking = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(look, job, looking)
        looking.wait()
        worker.run_job(job)
    assert ran == [1]


def look(job, looking):
    with FileLock(job / LOCK):
        looking.set()
        time.sleep(0.3)


def test_a_second_worker_of_a_job_says_why_it_ends(job, monkeypatch):
    monkeypatch.setattr(worker, "LONGEST_WAIT", 0.1)
    with FileLock(job / LOCK), pytest.raises(SystemExit, match="Another process does this job already"):
        worker.run_job(job)


def make_model(folder):
    folder.mkdir(parents=True)
    for name in ("model.toml", "checksums.json"):
        (folder / name).touch()


def make_results(folder):
    folder.mkdir(parents=True)
    for name in ("grades.csv", "run.json"):
        (folder / name).touch()


def test_models_and_results_are_found_but_none_inside_them(tmp_path):
    make_model(tmp_path / "zeiss" / "model")
    make_results(tmp_path / "results")
    make_model(tmp_path / "results" / "copy")
    make_results(tmp_path / "zeiss" / "model" / "copy")
    found = find_outputs(Root(tmp_path))
    assert found == {
        "models": [{"name": "zeiss/model", "settled": False}],
        "results": [{"name": "results", "report": ""}],
        "pages": [],
    }


def test_settled_models_pages_and_reports_that_are_old_are_named_as_such(tmp_path):
    make_model(tmp_path / "settled")
    (tmp_path / "settled" / "model.toml").write_text("[settled]\ncohort = 40\n")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site-report.html").touch()
    folder = make_record(tmp_path / "results")
    (folder / "report.html").touch()
    found = find_outputs(Root(tmp_path))
    assert found["models"] == [{"name": "settled", "settled": True}]
    assert found["pages"] == [{"name": "site", "page": "site-report.html", "title": "site report"}]
    assert found["results"] == [{"name": "results", "report": "new"}]
    os.utime(folder / "report.html", (1, 1))
    assert find_outputs(Root(tmp_path))["results"] == [{"name": "results", "report": "old"}]


def test_a_folder_is_shown_with_all_images_that_would_be_read_of_it(tmp_path):
    make_model(tmp_path / "model")
    for name in ("Clinic/a.png", "Clinic/poor/b.png", "Clinic/poor/c.png", ".hidden/d.png", "model/e.png"):
        draw(tmp_path / name)
    shown = browse(Root(tmp_path), "")
    assert [(one["name"], one["kind"], one.get("direct"), one.get("images")) for one in shown["folders"]] == [
        ("Clinic", "", 1, 3),
        ("model", "a model", None, None),
    ]
    assert (shown["parent"], shown["direct"], shown["images"], shown["all"]) == (None, 0, 3, True)
    assert describe_images(Root(tmp_path), "Clinic") == {
        "images": 3,
        "direct": 1,
        "folders": [{"name": "poor", "images": 2}],
        "more": 0,
    }
    assert len(ImageSource.find(tmp_path)) == describe_images(Root(tmp_path), "")["images"]
    assert Count(2).add(tmp_path / "Clinic")["all"] is False


def draw(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)).save(path)


def test_an_image_is_shown_and_nothing_beside_the_folder(tmp_path):
    draw(tmp_path / "opened" / "a.png")
    draw(tmp_path / "b.png")
    root = Root(tmp_path / "opened")
    with Image.open(io.BytesIO(draw_picture(root, "a.png"))) as picture:
        assert (picture.format, picture.size, picture.getextrema()) == ("PNG", (64, 64), (0, 255))
    for name in ("../b.png", "c.png", ""):
        with pytest.raises(UsageError):
            draw_picture(root, name)


def test_a_command_has_what_the_form_says_and_makes_nothing_anew(tmp_path):
    make_model(tmp_path / "model")
    draw(tmp_path / "good" / "a.png")
    root = Root(tmp_path)
    wish = Wish(action="qualify", images="good", model="model", output="q", site="Basel", scanner="-x y")
    assert make_command(root, wish) == ["qualify", "good", "-m", "model", "-o", "q", "--site=Basel", "--scanner=-x y"]
    assert make_command(root, Wish(action="fit", images="good", output="deep", slab="deep"))[-2:] == ["--slab", "deep"]
    assert make_command(root, Wish(action="settle", images="good", model="model", output="s"))[0] == "settle"
    for taken in ("model", "good"):
        with pytest.raises(UsageError, match="choose another name"):
            make_command(root, Wish(action="fit", images="good", output=taken))


def test_messages_name_images_to_look_at_and_no_next_command_of_a_terminal(tmp_path, jobs):
    draw(tmp_path / "good" / "odd 1.png")
    name = jobs.start(["info", "good", "-o", "x"])
    jobs._children[name].wait()
    log = "1 image unlike the others:\n  odd 1.png\n  gone.png\n  ../../secret.png\nNext: unoqa grade\n"
    (tmp_path / JOBS / name / "log.txt").write_text(log)
    shown = jobs.list()[0]
    assert shown["pictures"] == [{"name": "odd 1.png", "path": "good/odd 1.png"}]
    assert "Next" not in shown["log"]


def test_a_job_that_has_ended_is_removed_and_a_running_one_is_not(tmp_path, jobs):
    name = jobs.start(QUICK)
    with pytest.raises(UsageError, match="stop it first"):
        jobs.remove(name)
    jobs._children[name].wait()
    jobs.remove(name)
    assert jobs.list() == []
