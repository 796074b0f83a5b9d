"""A run is compared with labels as people save them, and every label that is not compared is counted."""

from __future__ import annotations

import json
import unicodedata

import pytest

from unoqa.benchmark.evaluation import evaluate_results
from unoqa.core.errors import ResultsError


@pytest.fixture
def graded(legacy_results):
    """Return the results of four images."""
    grades = {"OD/é.PNG": "outstanding,2,0.5", "OS/b.png": "gradable,1,3.0", "OS/c.png": "ungradable,0,9.0"}
    rows = [f"{name},{grade},2.0,0.5,," for name, grade in grades.items()]
    return legacy_results(*rows, "OS/d.png,,,,2.0,,,truncated: d.png.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_label_file_of_a_spreadsheet_gives_the_figures_of_a_plain_one(encoding, graded, label_file):
    plain = evaluate_results(graded, label_file("image,grade\nOD/é.PNG,2\nOS/b.png,1\nOS/c.png,0\nOS/d.png,1\n"))
    assert "3 images compared (reference: 1 ungradable, 1 gradable, 1 outstanding); 1 labelled images" in plain
    name = unicodedata.normalize("NFD", "od/é.png")
    saved = f"Reader;Image;Grade\nx;{name};2,0\nx;os\\b.PNG;Gradable\n;;\nx;OS/c.png;0\nx;OS/D.png;1,0\n"
    assert evaluate_results(graded, label_file(saved, encoding)) == plain


def test_rows_without_a_grade_are_counted(graded, label_file):
    text = evaluate_results(graded, label_file("image,grade\nOS/b.png,1\nOS/c.png,0\nOS/d.png,\nx.png,\ny.png,\n"))
    assert (
        "0 labelled images have no grade, 2 images no label, 0 labels no image. The AUROCs count every labelled" in text
    )
    assert " a score. Of the label file, 3 rows without a grade were left out.\n" in text
    assert (graded / "evaluation.md").read_text(encoding="utf-8") == text
    values = json.loads((graded / "evaluation.json").read_text(encoding="utf-8"))
    assert (values["rows without a grade"], values["without label"]) == (3, 2)


def test_a_label_of_another_folder_is_counted_as_one_without_an_image(graded, label_file):
    text = evaluate_results(graded, label_file("image,grade\nOS/b.png,1\nc.png,0\nOD/c.png,2\n"))
    assert "2 images compared" in text
    assert "2 images no label, 1 labels no image." in text


def test_grades_csv_stands_for_its_folder(graded, label_file):
    path = label_file("image,grade\nOS/b.png,1\nOS/c.png,0\n")
    assert evaluate_results(graded / "grades.csv", path) == evaluate_results(graded, path)
    with pytest.raises(ResultsError):
        evaluate_results(graded / "run.json", path)
