"""Work that the first page starts: one job at a time, whatever is pressed at once."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from unoqa.app.start import worker
from unoqa.app.start.folders import browse, find_outputs
from unoqa.app.start.jobs import JOB, JOBS, LOCK, Jobs
from unoqa.core.errors import UsageError
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
    assert found == {"models": ["zeiss/model"], "results": [{"name": "results", "report": False}]}


def test_a_folder_is_shown_with_what_it_holds(tmp_path):
    make_model(tmp_path / "model")
    (tmp_path / "Clinic").mkdir()
    (tmp_path / "Clinic" / "a.png").touch()
    (tmp_path / ".hidden").mkdir()
    shown = browse(Root(tmp_path), "")
    assert [(one["name"], one["kind"], one["images"]) for one in shown["folders"]] == [
        ("Clinic", "", 1),
        ("model", "a model", 0),
    ]
    assert shown["parent"] is None
