"""What the pages of app and review may ask for, and what they are answered: the real server, asked by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from asked import Asked
from reviewed import make_record
from unoqa.app.review.application import make_review_app
from unoqa.app.review.options import ReviewOptions
from unoqa.app.review.queue import list_faults
from unoqa.app.start.application import make_app
from unoqa.core.grading import Grade
from unoqa.store.results import Results
from unoqa.store.results.database import transaction


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Return the folder that the app was opened for; what it must not show lies beside it."""
    folder = tmp_path_factory.mktemp("site") / "opened"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def ask(opened):
    return Asked(make_app(opened, ReviewOptions()))


def decide(ask, results, **given):
    words = {"position": 0, "name": "a.png", "reader": "Anna", "field": "grade", "value": "gradable", **given}
    headers = {"Content_Type": "application/json"}
    status, text, _ = ask("POST", "/review/decide", body=json.dumps(words), values={"results": results}, **headers)
    return status, json.loads(text)


def link(path, target):
    """Make a link, or skip where the user may not."""
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("This user may make no links.")


def test_a_record_that_is_away_is_told_as_such_so_that_the_page_keeps_its_decisions(ask, opened):
    folder = make_record(opened / "away")
    hidden = (folder / "record.sqlite").rename(folder / "elsewhere")
    status, answer = decide(ask, "away")
    assert status == 503
    assert "holds no results" in answer["error"]
    hidden.rename(folder / "record.sqlite")
    assert decide(ask, "away") == (200, {"saved": True})


@pytest.mark.parametrize("name", ["report.html", "record.sqlite", "heat"])
def test_no_link_in_results_leads_out_of_the_folder(ask, opened, tmp_path, name):
    outside = make_record(tmp_path / "outside")
    (outside / "report.html").write_text("secret")
    (outside / "heat").mkdir()
    (outside / "heat" / "a.png.png").write_bytes(b"secret")
    folder = make_record(opened / f"linked {name}") if name != "record.sqlite" else opened / "linked"
    folder.mkdir(exist_ok=True)
    link(folder / name, outside / name)
    values = {"results": folder.name, "reader": "Anna"}
    path = {"report.html": "/start/report", "record.sqlite": "/review/queue", "heat": "/review/heat"}[name]
    status, text, _ = ask(path=path, values={**values, "position": 0} if name == "heat" else values)
    assert status == 400
    assert "leads out of the folder that was opened" in text


def test_undo_is_no_reason_and_a_reason_has_a_length(ask, opened):
    folder = make_record(opened / "reasons")
    assert decide(ask, "reasons")[0] == 200
    assert decide(ask, "reasons", value="ungradable", reason="undo")[0] == 400
    status, answer = decide(ask, "reasons", value="ungradable", reason="x" * 2001)
    assert (status, answer["error"]) == (400, "The reason has 2001 characters; write 2000 at most.")
    assert decide(ask, "reasons", field="note", value="x" * 2001)[0] == 400
    assert decide(ask, "reasons", value="ungradable", reason="x" * 2000)[0] == 200
    with Results.open(folder) as results:
        assert [one.new for one in results.decisions if one.field == "grade"] == ["gradable", "ungradable"]


def test_another_reader_may_come_where_one_was_named(tmp_path):
    record = make_record(tmp_path / "results")
    ask = Asked(make_review_app(record, ReviewOptions(reader="Anna")))
    named, asked = ask(path="/review")[1], ask(path="/review", values={"results": "", "reader": ""})[1]
    assert 'data-reader="Anna"' in named
    assert "another reader" in named
    assert 'href="/review?results=&amp;reader="' in named
    assert "Who reviews?" in asked


def test_a_page_knows_its_results_by_their_folder(ask, opened):
    for name in ("first/results", "second/results"):
        make_record(opened / name)
        page = ask(path="/review", values={"results": name, "reader": "Anna"})[1]
        assert f'data-folder="{os.path.realpath(opened / name)}"' in page


@pytest.mark.slow
def test_review_starts_without_what_fits_models():
    program = "import sys, unoqa.app.review.application as _; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"unoqa.grader.recipe", "unoqa.app.start", "sklearn", "timm", "onnxruntime"} & set(loaded)


def test_faults_that_a_reader_can_name_are_those_of_the_run_or_of_its_findings(tmp_path):
    make_record(tmp_path / "results", {"a.png": Grade.UNGRADABLE}, tmp_path)
    with Results.open(tmp_path / "results") as record:
        assert list_faults(record) == record.list_words()
        facts = record.facts
        with transaction(record.connection):
            record.write_meta(facts={**facts, "faults": ["blur", "dim"]})
        assert list_faults(record) == ["blur", "dim"]
