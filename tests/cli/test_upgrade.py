"""What unoqa 0.1.0 made is read, or refused with the one command that renews it; nothing is lost without a word."""

import re
import shutil
from pathlib import Path

import pytest

from unoqa import Recipe, Results, load
from unoqa.core.errors import UsageError

MADE = Path(__file__).parent / "fixtures" / "0.1.0"


@pytest.fixture
def results(tmp_path):
    return shutil.copytree(MADE / "results", tmp_path / "results")


@pytest.fixture
def former_model(tmp_path):
    return shutil.copytree(MADE / "model", tmp_path / "former")


@pytest.mark.requirement("R13")
def test_results_are_read_as_they_were_graded(results):
    rows = (MADE / "results" / "grades.csv").read_text(encoding="utf-8").splitlines()[1:]
    with Results.open(results) as record:
        read = [(one.image, one.grade.word, f"{one.score:.6f}", "; ".join(one.reasons)) for one in record.gradings]
    assert [(row[0], row[1], row[3], row[6]) for row in (row.split(",") for row in rows)] == read
    assert len(read) == 24


def test_results_can_be_looked_at_evaluated_and_exported(unoqa, results, tmp_path):
    assert "unoqa: 0.1.0" in unoqa("info", results).stdout
    assert "24 images compared" in unoqa("evaluate", results, "--labels", MADE / "labels.csv").stdout
    assert unoqa("export", results, "-o", tmp_path / "grades.csv").exit_code == 0
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8").count("\n") == 25


def test_results_take_no_decision_and_say_so_before_it_is_lost(refusal, results, tmp_path):
    table = tmp_path / "corrected.csv"
    table.write_text("image,grade\nscan_0001.png,0\n", encoding="utf-8")
    sentence = (
        f"{results} holds results of unoqa 0.1.0, which keep no decisions of readers; grade the images again: "
        "`unoqa grade IMAGES -m MODEL -o NEW`."
    )
    assert refusal("correct", results, table, "--reader", "Anna") == sentence
    assert refusal("review", results, "--no-browser") == sentence
    assert sorted(path.name for path in results.iterdir()) == ["grades.csv", "run.json"]


def test_results_are_not_continued(refusal, clinic, settled_model, results):
    assert refusal("grade", clinic.mixed, "-m", settled_model, "-o", results) == (
        f"{results} holds results of unoqa 0.1.0, which can be evaluated but not continued; name a new folder."
    )


@pytest.mark.requirement("R13")
def test_a_model_names_the_command_that_fits_it_again_and_that_command_does(unoqa, refusal, clinic, former_model):
    assert refusal("info", former_model) == (
        f"The model {former_model} has format 2, of unoqa 0.1.0, but this version reads 4; "
        f"fit it again: `unoqa fit OUTSTANDING -o {former_model} --overwrite --recipe measures`."
    )
    ended = unoqa("fit", clinic.outstanding, "-o", former_model, "--overwrite", "--recipe", "measures", "--quiet")
    assert ended.exit_code == 0, ended.output
    assert load(former_model)


def test_a_recipe_whose_names_still_exist_is_read():
    assert len(Recipe.read(MADE / "measures.toml").panel.members) == 8


def test_a_recipe_of_former_names_tells_each_new_one(tmp_path):
    recipe, told = tmp_path / "mine.toml", []
    text = (MADE / "recipe.toml").read_text(encoding="utf-8").replace('"rotate"', '"soft"')
    while sentence := refuse(recipe, text):
        former, new = re.findall(r"'(\w+)' of unoqa 0\.1\.0 is called '(\w+)' now; rename it\.$", sentence)[0]
        text = text.replace(f" {former} =", f" {new} =")
        told.append(f"{former} → {new}")
    assert told == [
        "mixing → permutation",
        "passes → epochs",
        "rate → learning_rate",
        "degrees → rotation",
        "most → max_components",
    ]


def refuse(recipe, text):
    """Write a recipe, and return why it is refused; nothing if it is read."""
    recipe.write_text(text, encoding="utf-8")
    try:
        Recipe.read(recipe)
    except UsageError as error:
        return str(error)
    return ""
