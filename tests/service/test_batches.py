"""The thread that grades batches: whatever happens to its files, it goes on, and says what it waits for."""

from __future__ import annotations

import time

import pytest
from typer.testing import CliRunner

from unoqa.cli.parts.application import application
from unoqa.grader.choice_of_model import Models
from unoqa.service import batches as module
from unoqa.service.batches import END, LOCK, RESULTS, Batches
from unoqa.store.holding import hold_folder
from unoqa.store.results.folder import WATCHING


@pytest.fixture(scope="module")
def models(settled_model):
    return {"clinic": Models.load([settled_model], device="cpu")}


@pytest.fixture(scope="module")
def scan(clinic):
    return sorted(clinic.mixed.iterdir())[0]


@pytest.fixture
def told():
    return []


@pytest.fixture
def batches(models, tmp_path, told, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    (tmp_path / "batches").mkdir()
    made = Batches(tmp_path / "batches", models, notify=told.append)
    made.start()
    yield made
    made.stop()


def wait(ready, seconds=60):
    ends = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.02)


def state(batches, name):
    return batches.describe(name)["state"]


def test_a_batch_waits_while_its_end_cannot_be_written_and_others_are_graded(batches, scan, tmp_path, told):
    first = batches.add("clinic", [tmp_path / "none"], [])
    wait(lambda: state(batches, first) == "failed")
    (tmp_path / "batches" / first / END).unlink()
    (tmp_path / "batches" / first / END).mkdir()  # no file can take its place
    second = batches.add("clinic", [scan], [])
    wait(lambda: state(batches, second) == "done")
    wait(lambda: batches.trouble)
    said = batches.describe(first)
    assert said["state"] in ("waiting", "running")
    reason = "cannot be read or written (Is a directory); check the disk, the folder and its permissions."
    assert said["error"] == f"{tmp_path / 'batches' / first} {reason}"
    assert [one.startswith(f"{first}: ") for one in told] == [True]  # once, however often it is tried
    (tmp_path / "batches" / first / END).rmdir()
    wait(lambda: state(batches, first) == "failed")
    wait(lambda: len(told) == 2)
    assert not batches.trouble
    assert told[1:] == [f"{first}: it can be written and read again."]


def test_a_folder_that_is_away_for_a_while_costs_no_batch(batches, scan, tmp_path, told):
    (tmp_path / "batches").rename(tmp_path / "away")
    with pytest.raises(OSError, match="No such file"):
        batches.list()
    batches._wake.set()
    wait(lambda: batches.trouble)
    (tmp_path / "away").rename(tmp_path / "batches")
    wait(lambda: not batches.trouble)
    name = batches.add("clinic", [scan], [])
    wait(lambda: state(batches, name) == "done")
    assert len(told) == 2


def test_a_fault_of_ours_costs_one_batch(batches, scan, monkeypatch, capsys):
    monkeypatch.setattr(module, "grade_to_folder", None)
    first = batches.add("clinic", [scan], [])
    wait(lambda: state(batches, first) == "failed")
    assert batches.describe(first)["error"].startswith("unoqa has a fault (TypeError: ")
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.undo()
    second = batches.add("clinic", [scan], [])
    wait(lambda: state(batches, second) == "done")


def test_what_was_sent_is_for_the_owner_alone(batches, scan, tmp_path):
    name = batches.add("clinic", [], [(scan.name, scan.read_bytes())])
    folder = tmp_path / "batches" / name
    (sent,) = (folder / "images").rglob("*.png")
    assert [path.stat().st_mode & 0o777 for path in (folder, sent.parent, sent)] == [0o700, 0o700, 0o600]
    wait(lambda: state(batches, name) == "done")
    assert (folder / RESULTS).is_dir()


@pytest.mark.parametrize("command", ["serve", "watch"])
def test_what_cannot_work_later_is_refused_at_the_start(command, settled_model, tmp_path, monkeypatch):
    (tmp_path / "share").mkdir()
    (tmp_path / "file").touch()
    words = {"serve": ["--port", "0", "--batches"], "watch": [str(tmp_path / "share"), "--output"]}[command]
    run = lambda folder: CliRunner().invoke(application, [command, "-m", str(settled_model), *words, str(folder)])  # noqa: E731
    ended = run(tmp_path / "file" / "below")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert f"unoqa: {tmp_path / 'file' / 'below'}" in ended.stderr
    with hold_folder(tmp_path / "taken", {"serve": LOCK, "watch": WATCHING}[command], words[-1]):
        ended = run(tmp_path / "taken")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert f"Another process works on {tmp_path / 'taken'} already" in ended.stderr
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "file" / "below")
    ended = run(tmp_path / "results")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith(f"unoqa: The key {tmp_path / 'file' / 'below' / 'site.key'}, with which")
    assert "XDG_DATA_HOME" in ended.stderr
