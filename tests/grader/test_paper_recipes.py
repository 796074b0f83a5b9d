"""The paper's recipes run whole; with a small model in place of the paper's, since no test downloads one."""

from dataclasses import replace

import pytest

import unoqa
from clinic import small
from unoqa import Grade, Recipe
from unoqa.grader.recipe import recipe_names

FLOW = {"blocks": 2, "fibres": 2048, "batch": 256, "positional_channels": 16}
GRID_FLOW = {"blocks": 2, "epochs": 1}

SMALL = {
    "paper": FLOW,
    "paper-nmf": FLOW,
    "paper-original": {"blocks": 2, "epochs": 1, "positional_channels": 16},
    "paper-fastflow": GRID_FLOW,
    "paper-fastflow-original": GRID_FLOW,
    "paper-padim": {"channels": 20, "largest_grid": 12},
    "paper-padim-original": {"channels": 20},
    "paper-patchcore-original": {"ratio": 0.01},
    "padim-resnet18-original": {"channels": 20},
    "paper-patchcore": {"ratio": 0.01, "largest_draw": 3000},
    "cflow-resnet18": FLOW,
    "fastflow-resnet18": GRID_FLOW,
    "padim-resnet18": {"channels": 20, "largest_grid": 12},
    "patchcore-resnet18": {"neighbourhood": 3, "largest_draw": 3000},
}

FAST = [pytest.param(name, marks=pytest.mark.slow if "original" in name else ()) for name in SMALL]


def test_every_recipe_with_a_learned_encoder_alone_is_here():
    assert set(SMALL) == set(recipe_names()) - {"default", "default-resnet18", "measures"}


@pytest.mark.parametrize("name", FAST)
def test_a_paper_recipe_fits_grades_settles_and_comes_back(name, clinic, weights, tmp_path):
    recipe = Recipe.read(small(name, tmp_path, **SMALL[name]))
    if "original" in name:  # learned from every image to the end: of forty scans it would refuse five
        recipe = recipe.with_alpha(0.5)
    grader = recipe.fit(clinic.outstanding, weights=weights)
    # Settling takes ten refused scans, so the poorest made-up ones must count as scans.
    scans = replace(grader.model.scans, content=None)
    grader = replace(grader, model=replace(grader.model, scans=scans))
    # Nor may one of them be so poor that by itself it makes the ungradable group of a memory of patches.
    images = [one for one in clinic.images() if one.name != "scan_0032.png"]
    settled = grader.settle(images)
    settled.save(tmp_path / "model")
    together = settled.grade_all(images[:6]).gradings
    assert unoqa.load(tmp_path / "model").grade(images[3:4]) == together[3]
    assert {grading.grade for grading in together} <= set(Grade)


@pytest.mark.parametrize("name", [name for name in SMALL if name.startswith("paper")])
def test_a_paper_recipe_names_the_papers_encoder_and_second_stage(name):
    values = Recipe.named(name).to_values()
    (member,) = values["members"]
    assert member["encoder"]["model"] == "wide_resnet50_2.tv_in1k"
    assert values["split"]["representation"] == "maps"
    assert values["split"]["reduction"]["choice"] == ("nmf" if name == "paper-nmf" else "pca")


def test_the_paper_is_cflow_by_its_probability_maps_and_hierarchical_clustering():
    values = Recipe.named("paper").to_values()
    assert values["members"][0]["module"]["choice"] == "cflow"
    assert values["members"][0]["module"]["maps"] == "prob"
    assert values["split"]["clustering"]["choice"] == "hierarchical"


def test_the_original_training_is_cflow_ads():
    module = Recipe.named("paper-original").to_values()["members"][0]["module"]
    published = {
        "epochs": 200,
        "batch": 256,
        "learning_rate": 2e-4,
        "permutation": "soft",
        "rotation": 5.0,
        "start": "random",
    }
    assert {name: module[name] for name in published} == published
