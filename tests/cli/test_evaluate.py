"""`unoqa evaluate` takes what people give it: label files as they are saved, and the file instead of the folder."""

from __future__ import annotations

import json

import pytest

HEADER = "image,grade,grade_code,score,threshold,certainty,reasons,error"


@pytest.fixture
def graded(tmp_path):
    """Return a results folder of two images, as unoqa 0.1.0 wrote it."""
    folder = tmp_path / "results"
    folder.mkdir()
    rows = ["a.png,outstanding,2,0.5,2.0,0.5,,", "b.png,ungradable,0,9.0,2.0,0.5,,"]
    (folder / "grades.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8", newline="")
    (folder / "run.json").write_text(json.dumps({"threshold": 2.0}), encoding="utf-8")
    return folder


@pytest.fixture
def labels(tmp_path):
    def write(text, encoding="utf-8"):
        (tmp_path / "labels.csv").write_text(text, encoding=encoding)
        return tmp_path / "labels.csv"

    return write


def test_equal_column_names_are_refused(refusal, graded, labels):
    path = labels("image,grade,grade\na.png,2,0\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        f"{path} has 2 columns named 'grade'; rename or delete all but one."
    )


def test_rows_without_a_grade_are_counted_in_the_output(unoqa, graded, labels):
    path = labels("Image;Grade\nA.PNG;2,0\nb.png;0,0\nc.png;\nd.png;\ne.png;\n", "utf-16")
    ended = unoqa("evaluate", graded, "--labels", path)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "2 images compared" in ended.stdout
    assert "3 rows without a grade were left out." in ended.stdout


def test_grades_csv_stands_for_its_folder(unoqa, graded, labels):
    path = labels("image,grade\na.png,2\nb.png,0\n")
    ended = unoqa("evaluate", graded / "grades.csv", "--labels", path)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == (graded / "evaluation.md").read_text(encoding="utf-8")


def test_another_file_is_refused(refusal, graded, labels):
    path = labels("image,grade\na.png,2\n")
    assert str(graded / "run.json") in refusal("evaluate", graded / "run.json", "--labels", path)
