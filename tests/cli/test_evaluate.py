"""`unoqa evaluate` takes what people give it: label files as they are saved, and the file instead of the folder."""

from __future__ import annotations

import pytest


@pytest.fixture
def graded(legacy_results):
    """Return the results of two images."""
    return legacy_results("a.png,outstanding,2,0.5,2.0,0.5,,", "b.png,ungradable,0,9.0,2.0,0.5,,")


def test_equal_column_names_are_refused(refusal, graded, label_file):
    path = label_file("image,grade,grade\na.png,2,0\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        f"{path} has 2 columns named 'grade'; rename or delete all but one."
    )


def test_rows_without_a_grade_are_counted_in_the_output(unoqa, graded, label_file):
    path = label_file("Image;Grade\nA.PNG;2,0\nb.png;0,0\nc.png;\nd.png;\ne.png;\n", "utf-16")
    ended = unoqa("evaluate", graded, "--labels", path)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "2 images compared" in ended.stdout
    assert "3 rows without a grade were left out." in ended.stdout


def test_grades_csv_stands_for_its_folder(unoqa, graded, label_file):
    path = label_file("image,grade\na.png,2\nb.png,0\n")
    ended = unoqa("evaluate", graded / "grades.csv", "--labels", path)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == (graded / "evaluation.md").read_text(encoding="utf-8")


def test_another_file_is_refused(refusal, graded, label_file):
    path = label_file("image,grade\na.png,2\n")
    assert str(graded / "run.json") in refusal("evaluate", graded / "run.json", "--labels", path)
