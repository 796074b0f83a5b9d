"""Labels in Excel workbooks are read with openpyxl, and a workbook that is not plain is refused."""

from __future__ import annotations

import datetime
import sys
import zipfile

import pytest

from unoqa.benchmark.datasets.labelled_folder import LabelledFolder
from unoqa.benchmark.labels import Labels, read_labels
from unoqa.core.errors import DataSetError, ResultsError
from unoqa.core.grading import Grade

U, G, O = Grade.UNGRADABLE, Grade.GRADABLE, Grade.OUTSTANDING  # noqa: E741 - the letters of the grades

SAVE = "open it and save it as 'CSV UTF-8 (comma delimited)'"


def message(path):
    with pytest.raises(ResultsError) as caught:
        read_labels(path)
    return str(caught.value)


@pytest.fixture
def workbook(tmp_path):
    """Return a function from rows of one or more sheets to a workbook."""
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed: pip install 'unoqa[tables]'")

    def write(*sheets, name="labels.xlsx"):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for rows in sheets:
            sheet = book.create_sheet()
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.csv"])
def test_a_workbook_is_read_whatever_its_name(name, workbook):
    rows = [["Image ", "reader", "GRADE"], ["a.png", "x", 0], [], ["b.png", None, 1.0], ["c.png", "y", " Outstanding"]]
    assert read_labels(workbook(rows, name=name)) == Labels({"a.png": U, "b.png": G, "c.png": O})


def test_rows_without_a_grade_are_left_out_and_counted(workbook):
    path = workbook([["image", "grade", "seen"], ["a.png", None, datetime.date(2024, 1, 2)], ["b.png", 2], ["c.png"]])
    assert read_labels(path) == Labels({"b.png": O}, rows_without_grade=2)


def test_the_one_sheet_with_the_columns_is_read(workbook):
    assert read_labels(workbook([["notes"], ["image"]], [], [["image", "grade"], ["a.png", 2]])).grades == {"a.png": O}


def test_sheets_that_both_have_the_columns_are_named(workbook):
    path = workbook([["image", "grade"]], [["grade", "image"]])
    assert message(path) == f"{path} has 2 sheets with columns image,grade (Sheet, Sheet1); keep one of them."


def test_values_of_formulas_are_read(workbook):
    """A spreadsheet program saves the value beside the formula; openpyxl writes the formula only."""
    path = workbook([["image", "grade"], ["a.png", "=1+1"]])
    assert message(path) == (
        f"Line 2 of {path}, column grade, holds a formula without a value; write text there, or a number."
    )
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name).replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read_labels(path).grades == {"a.png": O}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([datetime.date(2024, 1, 2), 2], "Line 2 of {}, column image, holds a date; write text there, or a number."),
        (["a.png", "#N/A"], "Line 2 of {}, column grade, holds the error #N/A; write text there, or a number."),
        (["a.png", True], "Line 2 of {} has grade 'True'; use 0, 1, 2 or ungradable, gradable, outstanding."),
        ([None, 2], "Line 2 of {} has the grade '2' and no image; name it, or delete the line."),
    ],
    ids=["date", "error", "truth", "no image"],
)
def test_a_cell_that_is_not_plain_is_refused_with_its_place(row, sentence, workbook):
    path = workbook([["image", "grade"], row])
    assert message(path) == sentence.format(path)


def test_a_row_beyond_the_size_that_a_program_wrote_is_read(workbook):
    path = workbook([["image", "grade"], ["a.png", 2], ["b.png", 1]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).replace(b'ref="A1:B3"', b'ref="A1"') for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read_labels(path).grades == {"a.png": O, "b.png": G}


def test_a_damaged_workbook_is_refused(workbook):
    path = workbook([["image", "grade"], ["a.png", 2]])
    content = path.read_bytes()
    for cut in range(4, len(content), 211):
        path.write_bytes(content[:cut])
        assert message(path) == f"{path} is not a whole Excel workbook (BadZipFile); {SAVE}."


def test_an_old_or_protected_workbook_is_refused(tmp_path):
    path = tmp_path / "labels.xls"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))
    assert message(path) == f"{path} is an Excel workbook of an old kind, or has a password; {SAVE}."


def test_without_openpyxl_the_sentence_says_how_to_save_the_workbook(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path = tmp_path / "labels.xlsx"
    path.write_bytes(b"PK\x03\x04")
    sentence = (
        f"{path} is an Excel workbook or another archive; {SAVE}, or install what reads workbooks: "
        "pip install 'unoqa[tables]'."
    )
    assert message(path) == sentence
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataSetError) as caught:
        LabelledFolder().find_studies(tmp_path, seed=0)
    assert str(caught.value) == sentence


def test_a_csv_comes_before_a_workbook_beside_it(workbook, tmp_path):
    workbook([["image", "grade"], ["a.png", 2]])
    (tmp_path / "labels.csv").write_text("image,grade\nb.png,2\n", encoding="utf-8")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataSetError) as caught:
        LabelledFolder().find_studies(tmp_path, seed=0)
    assert str(caught.value).startswith(f"Line 2 of {tmp_path / 'labels.csv'} lists b.png, ")
