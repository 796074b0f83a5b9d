"""A run is compared with labels as people save them, and every label that is not compared is counted."""

from __future__ import annotations

import json
import unicodedata

import pytest

from unoqa.benchmark.evaluation import evaluate_results
from unoqa.core.errors import ResultsError

HEADER = "image,grade,grade_code,score,threshold,certainty,reasons,error"


@pytest.fixture
def graded(tmp_path):
    """Return a results folder of four images, as unoqa 0.1.0 wrote it."""
    folder = tmp_path / "results"
    folder.mkdir()
    grades = {"OD/é.PNG": "outstanding,2,0.5", "OS/b.png": "gradable,1,3.0", "OS/c.png": "ungradable,0,9.0"}
    rows = [f"{name},{grade},2.0,0.5,," for name, grade in grades.items()]
    rows.append("OS/d.png,,,,2.0,,,truncated: d.png.")
    (folder / "grades.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8", newline="")
    (folder / "run.json").write_text(json.dumps({"threshold": 2.0}), encoding="utf-8")
    return folder


@pytest.fixture
def labels(tmp_path):
    def write(text, encoding="utf-8"):
        (tmp_path / "labels.csv").write_text(text, encoding=encoding)
        return tmp_path / "labels.csv"

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_label_file_of_a_spreadsheet_gives_the_figures_of_a_plain_one(encoding, graded, labels):
    plain = evaluate_results(graded, labels("image,grade\nOD/é.PNG,2\nOS/b.png,1\nOS/c.png,0\nOS/d.png,1\n"))
    assert "3 images compared (reference: 1 ungradable, 1 gradable, 1 outstanding); 1 labelled images" in plain
    name = unicodedata.normalize("NFD", "od/é.png")
    saved = f"Reader;Image;Grade\nx;{name};2,0\nx;os\\b.PNG;Gradable\n;;\nx;OS/c.png;0\nx;OS/D.png;1,0\n"
    assert evaluate_results(graded, labels(saved, encoding)) == plain


def test_rows_without_a_grade_are_counted(graded, labels):
    text = evaluate_results(graded, labels("image,grade\nOS/b.png,1\nOS/c.png,0\nOS/d.png,\nx.png,\ny.png,\n"))
    assert (
        "0 labelled images have no grade, 2 images no label, 0 labels no image. The AUROCs count every labelled" in text
    )
    assert " a score. Of the label file, 3 rows without a grade were left out.\n" in text
    assert (graded / "evaluation.md").read_text(encoding="utf-8") == text
    values = json.loads((graded / "evaluation.json").read_text(encoding="utf-8"))
    assert (values["rows without a grade"], values["without label"]) == (3, 2)


def test_a_label_of_another_folder_is_counted_as_one_without_an_image(graded, labels):
    text = evaluate_results(graded, labels("image,grade\nOS/b.png,1\nc.png,0\nOD/c.png,2\n"))
    assert "2 images compared" in text
    assert "2 images no label, 1 labels no image." in text


def test_grades_csv_stands_for_its_folder(graded, labels):
    path = labels("image,grade\nOS/b.png,1\nOS/c.png,0\n")
    assert evaluate_results(graded / "grades.csv", path) == evaluate_results(graded, path)
    with pytest.raises(ResultsError):
        evaluate_results(graded / "run.json", path)
