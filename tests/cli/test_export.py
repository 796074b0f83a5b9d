"""`unoqa export` and `unoqa correct`: out into a spreadsheet and back."""

from __future__ import annotations

import pytest

from reviewed import make_record, review, review_all
from unoqa.store.results import Results


@pytest.fixture
def record(tmp_path):
    return review_all(make_record(tmp_path / "results"))


def test_a_grade_goes_out_is_corrected_and_comes_back(unoqa, record, tmp_path):
    path = tmp_path / "final.csv"
    assert unoqa("export", record, "-o", path).exit_code == 0
    path.write_text(path.read_text().replace("a.png,outstanding", "a.png,ungradable"))
    ended = unoqa("correct", record, path, "--reader", "anna")
    assert (ended.exit_code, ended.stderr) == (0, f"1 grades taken from {path}, of anna.\n")
    with Results.open(record) as results:
        assert results.decisions[-1].reason == "corrected in final.csv"


def test_conflicts_are_shown_and_kept_unless_the_file_is_preferred(unoqa, record, tmp_path):
    path = tmp_path / "final.csv"
    unoqa("export", record, "-o", path)
    path.write_text(path.read_text().replace("a.png,outstanding", "a.png,ungradable"))
    review(record, (0, "[bold]bela", "grade", "gradable"))
    ended = unoqa("correct", record, path, "--reader", "anna")
    assert ended.exit_code == 3
    assert "[bold]bela" in ended.stderr
    assert "a.png" in ended.stderr
    with Results.open(record) as results:
        assert "anna" not in [one.reader for one in results.decisions if one.position == 0]
    ended = unoqa("correct", record, path, "--reader", "anna", "--conflicts", "file", "--adjudicate")
    assert ended.exit_code == 0
    with Results.open(record) as results:
        assert (results.decisions[-1].field, results.decisions[-1].new) == ("adjudication", "ungradable")


def test_a_file_is_not_replaced_unasked(unoqa, refusal, record, tmp_path):
    path = tmp_path / "final.csv"
    unoqa("export", record, "-o", path)
    assert refusal("export", record, "-o", path) == (
        f"{path} exists; name another file, or replace it with --overwrite."
    )
    assert unoqa("export", record, "-o", path, "--overwrite").exit_code == 0


def test_an_unknown_kind_is_answered_with_the_known_ones(refusal, record, tmp_path):
    assert "There is no output 'excel'" in refusal("export", record, "-o", tmp_path / "x", "--as", "excel")
