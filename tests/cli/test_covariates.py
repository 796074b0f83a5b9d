"""`unoqa report --covariates`: who is lost by the gate, in a table that names images or people."""

from __future__ import annotations

import pytest

from cohorts import draw_images, write_cohort

NAMES = [f"{number:02}.png" for number in range(20)]


@pytest.fixture
def results(tmp_path):
    folder = write_cohort(tmp_path / "results", NAMES)
    draw_images(folder, NAMES)
    return folder


def table_of(results):
    page = (results / "report.html").read_text(encoding="utf-8")
    return page[page.index("Who is lost by this gate") : page.index('id="methods"')]


def test_images_are_named(unoqa, results, tmp_path):
    lines = ["image,sex,age", *(f"{name},{'fm'[number % 2]},{30 + number}" for number, name in enumerate(NAMES))]
    (tmp_path / "people.csv").write_text("\n".join(lines))
    ended = unoqa("report", results, "--covariates", tmp_path / "people.csv")
    assert ended.exit_code == 0, ended.output
    assert "By sex" in table_of(results)
    assert "30 to below 34.75" in table_of(results)


def test_or_people_and_their_eyes(unoqa, results, tmp_path):
    lines = ["patient,eye,diagnosis", "secret-0,OD,diabetes", "secret-1,OS,none"]
    (tmp_path / "people.csv").write_text("\n".join(lines))
    ended = unoqa("report", results, "--covariates", tmp_path / "people.csv")
    assert ended.exit_code == 0, ended.output
    assert "By diagnosis" in table_of(results)
    assert "secret" not in table_of(results)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,sex\n01.png,f\n", "has neither a column image nor a column patient"),
        ("patient,sex\nnobody,f\n", "No patient of"),
        ("image,sex\nother.png,f\n", "No label matches"),
    ],
)
def test_a_table_that_names_nothing_of_the_results_is_refused(unoqa, results, tmp_path, text, sentence):
    (tmp_path / "people.csv").write_text(text)
    ended = unoqa("report", results, "--covariates", tmp_path / "people.csv")
    assert ended.exit_code == 2
    assert sentence in ended.stderr
