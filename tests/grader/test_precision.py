"""A model keeps its precision, computes in it where the machine can, and says where the machine cannot."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from scipy.stats import spearmanr

from clinic import small
from unoqa import Recipe, load
from unoqa.core.errors import UsageError

LACK = "This processor does not multiply bfloat16"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = small("fastflow-resnet18", tmp_path_factory.mktemp("recipes"), blocks=1)
    return replace(Recipe.read(path).with_precision("bfloat16"), size=64)


def scores(result):
    return [grading.score for grading in result.gradings]


def test_a_model_in_bfloat16_grades_in_single_precision_where_the_machine_lacks_it_and_says_so(
    recipe, clinic, weights, report_capabilities, tmp_path
):
    report_capabilities(amx_bf16=True)
    grader = recipe.fit(clinic.outstanding, weights=weights)
    grader.save(tmp_path / "model")
    there = grader.grade_cohort(clinic.mixed)
    report_capabilities(amx_bf16=False)
    here = load(tmp_path / "model").grade_cohort(clinic.mixed)
    assert not any(LACK in sentence for sentence in there.warnings)
    assert here.warnings[0] == (
        f"{LACK}, in which the model was fitted: these scores are in single precision, and may differ from those of a "
        "machine that multiplies it (docs/guide.md says by how much)."
    )
    assert scores(here) != scores(there)
    assert spearmanr(scores(here), scores(there)).statistic > 0.99
    report_capabilities(amx_bf16=True)
    assert scores(load(tmp_path / "model").grade_cohort(clinic.mixed)) == scores(there)
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (
        "| precision | bfloat16, by torch; single where a processor or a graphics card does not multiply it |" in card
    )


def test_a_model_that_is_fitted_where_the_machine_lacks_bfloat16_is_one_in_single_precision(
    recipe, clinic, weights, report_capabilities, tmp_path
):
    report_capabilities(amx_bf16=False)
    grader = recipe.fit(clinic.outstanding, weights=weights)
    assert grader.fitted.report.notices[0] == (
        f"{LACK}: the model is fitted in single precision, and grades in it everywhere."
    )
    grader.save(tmp_path / "model")
    document = tomllib.loads((tmp_path / "model" / "model.toml").read_text(encoding="utf-8"))
    assert document["precision"] == "single"
    expected = scores(grader.grade_cohort(clinic.mixed))
    assert expected == scores(
        recipe.with_precision("single").fit(clinic.outstanding, weights=weights).grade_cohort(clinic.mixed)
    )
    report_capabilities(amx_bf16=True)
    again = load(tmp_path / "model").grade_cohort(clinic.mixed)
    assert scores(again) == expected
    assert not any("bfloat16" in sentence for sentence in again.warnings)


def test_the_precision_of_a_recipe_is_that_of_all_its_networks():
    values = {**Recipe.named("cflow-resnet18").to_values(), "precision": "bfloat16"}
    recipe = Recipe.from_values(values, "mine")
    (member,) = recipe.panel.members
    assert (member.encoder.precision, member.module.precision) == ("bfloat16", "bfloat16")
    assert Recipe.from_values(recipe.to_values(), "mine") == recipe
    assert recipe.with_precision("single") == Recipe.from_values({**values, "precision": "single"}, "mine")


def test_a_recipe_without_networks_has_no_other_precision():
    with pytest.raises(UsageError) as error:
        Recipe.named("measures").with_precision("bfloat16")
    assert str(error.value) == (
        "The recipe 'measures' has nothing that computes in bfloat16: only encoders from timm and flows do; leave the "
        "precision out."
    )
    assert Recipe.named("measures").with_precision("single") == Recipe.named("measures")


def test_an_unknown_precision_is_refused():
    values = {**Recipe.named("default").to_values(), "precision": "half"}
    with pytest.raises(UsageError) as error:
        Recipe.from_values(values, "mine")
    assert str(error.value) == "mine.toml: precision = 'half' is unknown; use bfloat16 or single."
