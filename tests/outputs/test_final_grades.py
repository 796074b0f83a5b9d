"""Final grades: adjudicated before readers before the machine, with the trail, the same in every kind of table."""

from __future__ import annotations

import csv

import openpyxl
import pandas as pd
import pytest

from reviewed import GRA, OUT, UNG, make_record, review, review_all
from unoqa.outputs import OUTPUTS
from unoqa.store.results import Results
from unoqa.store.results.reviews import Review, Source, collect_reviews


@pytest.fixture
def record(tmp_path):
    return review_all(make_record(tmp_path / "results"))


def export(folder, kind, path):
    with Results.open(folder) as results:
        OUTPUTS.load(kind)().write(results, path)
    return path


def read(folder, tmp_path):
    with export(folder, "csv", tmp_path / "final.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def test_the_final_grade_is_the_adjudicated_or_the_readers_or_the_machines(record, tmp_path):
    rows = read(record, tmp_path)
    assert {name: (row["grade"], row["source"]) for name, row in rows.items()} == {
        "a.png": ("outstanding", "machine"),
        "b.png": ("outstanding", "readers"),
        "c.png": ("", "disagreement"),
        "d.png": ("gradable", "adjudication"),
        "e.png": ("", ""),
    }
    assert rows["c.png"]["grade of anna"] == "gradable"
    assert rows["c.png"]["grade of bela"] == "ungradable"
    assert rows["d.png"]["adjudicator"] == "clara"


def test_the_trail_says_who_when_what_and_why(record, tmp_path):
    events = read(record, tmp_path)["d.png"]["trail"].split("; ")
    assert [event.partition(" ")[2] for event in events] == [
        "anna, grade: gradable (why not)",
        "anna, grade: gradable → ungradable (why not)",
        "bela, grade: outstanding (why not)",
        "clara, adjudication: gradable (why not)",
    ]


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_every_kind_of_table_says_the_same(kind, record, tmp_path):
    path = export(record, kind, tmp_path / f"final.{kind}")
    frame = pd.read_excel(path) if kind == "xlsx" else pd.read_parquet(path)
    text = pd.read_csv(export(record, "csv", tmp_path / "final.csv"))
    assert list(frame.columns) == list(text.columns)
    for column in ("image", "grade", "source", "score", "as_of", "grade of anna", "trail"):
        assert [fill(cell) for cell in frame[column]] == [fill(cell) for cell in text[column]]


def fill(cell):
    return "" if pd.isna(cell) else cell


def test_no_text_is_a_formula(record, tmp_path):
    review(record, (0, "=EVIL()", "grade", "gradable"))
    sheet = openpyxl.load_workbook(export(record, "xlsx", tmp_path / "final.xlsx")).active
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n"}
    with export(record, "csv", tmp_path / "final.csv").open(encoding="utf-8") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell.startswith("=")]


def test_a_withdrawn_grade_no_longer_counts(record, tmp_path):
    review(record, (2, "bela", "grade", None), (3, "clara", "adjudication", None))
    rows = read(record, tmp_path)
    assert (rows["c.png"]["grade"], rows["c.png"]["source"]) == ("gradable", "readers")
    assert rows["d.png"]["source"] == "disagreement"
    assert "gradable → withdrawn" in rows["d.png"]["trail"]


def test_the_latest_adjudication_is_final_until_it_is_withdrawn(record):
    def final():
        with Results.open(record) as results:
            one = collect_reviews(results.decisions)[3]
            return one.settle(GRA)[0], one.adjudicator

    assert final() == (GRA, "clara")
    review(record, (3, "dora", "adjudication", "ungradable"))
    assert final() == (UNG, "dora")
    review(record, (3, "clara", "adjudication", "outstanding"))
    assert final() == (OUT, "clara")
    review(record, (3, "clara", "adjudication", None))
    assert final() == (UNG, "dora")


def test_without_readers_the_machine_decides():
    assert Review().settle(UNG) == (UNG, Source.MACHINE)
    assert Review().settle(None) == (None, Source.NOBODY)


def test_a_decision_that_changes_nothing_is_not_added_twice(record):
    with Results.open(record) as results:
        before = len(results.decisions)
        assert results.decide(1, "anna", "grade", "outstanding") is None
        assert len(results.decisions) == before
