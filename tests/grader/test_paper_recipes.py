"""The paper's recipes run whole; with a small model in place of the paper's, since no test downloads one."""

import pytest

import unoqa
from clinic import small
from unoqa import Grade, Recipe

SMALL = {
    "paper-padim": {"channels": 20, "largest_grid": 12},
    "paper-patchcore": {"ratio": 0.002, "largest_draw": 3000},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_paper_recipe_fits_grades_settles_and_comes_back(name, clinic, weights, tmp_path):
    recipe = Recipe.read(small(name, tmp_path, **SMALL[name]))
    grader = recipe.fit(clinic.outstanding, weights=weights)
    images = clinic.images()
    settled = grader.settle(images)
    settled.save(tmp_path / "model")
    together = settled.grade_all(images[:6]).gradings
    assert unoqa.load(tmp_path / "model").grade(images[3:4]) == together[3]
    assert {grading.grade for grading in together} <= set(Grade)


@pytest.mark.parametrize("name", SMALL)
def test_a_paper_recipe_names_the_papers_encoder_and_second_stage(name):
    values = Recipe.named(name).values()
    (member,) = values["members"]
    assert member["encoder"]["model"] == "wide_resnet50_2.tv_in1k"
    assert values["split"]["representation"] == "maps"
    assert values["split"]["reduction"]["choice"] == "pca"
