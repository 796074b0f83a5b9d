"""A corrected table goes back into the record; what others changed meanwhile is shown and kept."""

from __future__ import annotations

import csv

import pytest

from reviewed import GRA, OUT, UNG, make_record, review, review_all
from unoqa.benchmark.corrections import apply_corrections, find_corrections
from unoqa.core.errors import ResultsError
from unoqa.outputs import OUTPUTS
from unoqa.store.results import Results


@pytest.fixture
def record(tmp_path):
    return review_all(make_record(tmp_path / "results"))


@pytest.fixture
def table(record, tmp_path):
    """Return a function that exports the record with some grades changed, as a person does in a spreadsheet."""

    def export(**grades):
        path = tmp_path / "final.csv"
        with Results.open(record) as results:
            OUTPUTS.load("csv")().write(results, path)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row["grade"] = grades.get(row["image"].removesuffix(".png"), row["grade"])
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return path

    return export


def find(record, path):
    with Results.open(record) as results:
        return find_corrections(results, path)


def test_a_table_that_nobody_touched_changes_nothing(record, table):
    found = find(record, table())
    assert (found.changes, found.conflicts, found.unmatched) == ((), (), 0)


def test_what_was_corrected_is_found(record, table):
    found = find(record, table(a="gradable", c="0"))
    assert [(one.image, one.exported, one.wanted) for one in found.changes] == [
        ("a.png", OUT, GRA),
        ("c.png", None, UNG),
    ]
    assert found.conflicts == ()


def test_what_others_changed_since_the_export_is_a_conflict(record, table):
    path = table(a="gradable", b="ungradable")
    review(record, (1, "anna", "grade", "gradable"), (1, "bela", "grade", "gradable"))
    found = find(record, path)
    assert [one.image for one in found.changes] == ["a.png"]
    conflict = found.conflicts[0]
    assert (conflict.image, conflict.exported, conflict.current, conflict.wanted) == ("b.png", OUT, GRA, UNG)
    assert conflict.by == ("anna", "bela")


def test_what_others_changed_and_the_table_did_not_is_left_alone(record, table):
    path = table()
    review(record, (0, "anna", "grade", "ungradable"))
    found = find(record, path)
    assert (found.changes, found.conflicts) == ((), ())


def test_applied_corrections_are_decisions_with_a_reason(record, table):
    path = table(a="gradable")
    with Results.open(record) as results:
        apply_corrections(results, find_corrections(results, path).changes, reader="anna", reason="second look")
        last = results.decisions[-1]
        assert (last.position, last.reader, last.field, last.new, last.reason) == (
            0, "anna", "grade", "gradable", "second look",
        )  # fmt: skip
        assert find_corrections(results, path).changes == ()


def test_a_table_of_another_record_is_refused(record, table, tmp_path):
    path = table(a="gradable")
    with pytest.raises(ResultsError, match="was exported from another record"):
        find(make_record(tmp_path / "other"), path)


def test_a_label_file_without_the_exports_columns_is_taken_as_it_is(record, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("image;grade\na.png;1\nzz.png;2\n")
    found = find(record, path)
    assert [(one.image, one.wanted) for one in found.changes] == [("a.png", GRA)]
    assert found.unmatched == 1
