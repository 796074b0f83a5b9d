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
    return Recipe.named("measures").values()


def values(**changes):
    return {**sound(), **changes}


def member(**changes):
    return values(members=[{"encoder": "measures", "module": "signed", **changes}])


def test_the_recipes_of_the_package():
    of_the_paper = ("", "-fastflow", "-fastflow-original", "-nmf", "-original", "-padim", "-patchcore")
    of_a_laptop = ("cflow", "fastflow", "padim", "patchcore")
    assert set(recipe_names()) == {
        *("default", "measures"),
        *(f"paper{end}" for end in of_the_paper),
        *(f"{module}-resnet18" for module in of_a_laptop),
    }
    assert DEFAULT in recipe_names()


@every_recipe
def test_a_recipe_is_described_and_comes_back_from_a_file_of_its_values(name, tmp_path):
    recipe = Recipe.named(name)
    path = tmp_path / f"{name}.toml"
    path.write_text(tomli_w.dumps(recipe.values()), encoding="utf-8")
    assert recipe.description.endswith(".")
    assert Recipe.read(path) == recipe


def test_a_split_by_latents_takes_a_module_that_has_them():
    values = Recipe.named("measures").values()
    values["split"] |= {"representation": "latent"}
    with pytest.raises(UsageError) as error:
        Recipe.of(values, "mine")
    assert str(error.value) == (
        "The recipe 'mine' splits by latents, and none of its modules has any; choose cflow or fastflow, or another "
        "'representation'."
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
        "Mine is no low-quality module that a model could name; offer its module by an entry point of the group "
        "unoqa.lowquality."
    )


def test_alpha_alone_changes():
    recipe = Recipe.named("paper-padim")
    other = recipe.with_alpha(0.05)
    assert other.values()["threshold"] == {"choice": "conformal", "alpha": 0.05}
    assert replace(other, threshold=recipe.threshold) == recipe


MISTAKES = {
    "a key": (
        values(sizes=320),
        "There is no setting of recipe 'site' 'sizes'; did you mean 'size'? "
        "Known: description, members, panel, size, split, threshold.",
    ),
    "a key of the panel": (
        values(panel={"fusoin": "sum"}),
        "There is no setting of recipe 'site', panel 'fusoin'; did you mean 'fusion'? Known: final, folds, fusion.",
    ),
    "a fusion": (
        values(panel={"fusion": "sun"}),
        "There is no 'fusion' for recipe 'site' 'sun'; did you mean 'sum'? Known: norm, sum.",
    ),
    "a key of a member": (
        member(wieght=1.0),
        "There is no setting of recipe 'site', member 'wieght'; did you mean 'weight'? Known: encoder, module, weight.",
    ),
    "an encoder": (
        member(encoder="measure"),
        "There is no encoder 'measure'; did you mean 'measures'? Known: measures, nss, pixels, timm, vessel.",
    ),
    "a module": (
        member(module={"choice": "padin"}),
        "There is no low-quality module 'padin'; did you mean 'padim'? "
        "Known: anomalib, cflow, fastflow, gaussian, niqe, padim, patchcore, signed.",
    ),
    "a setting of a module": (
        member(module={"choice": "signed", "chanels": ["contrast"]}),
        "There is no setting of recipe 'site', member, low-quality module 'signed' 'chanels'; did you mean "
        "'channels'? Known: ceiling, channels, floor, neighbourhood, pool, scale.",
    ),
    "a threshold": (
        values(threshold="conformel"),
        "There is no threshold 'conformel'; did you mean 'conformal'? Known: conformal, fixed.",
    ),
    "a representation": (
        values(split={"representation": "scores"}),
        "There is no 'representation' for recipe 'site' 'scores'; did you mean 'score'? "
        "Known: latent, maps, members, quantile, score.",
    ),
    "a reduction": (
        values(split={"reduction": "pac"}),
        "There is no reduction 'pac'; did you mean 'pca'? Known: nmf, none, pca.",
    ),
    "a clustering": (
        values(split={"clustering": "k-means"}),
        "There is no clustering 'k-means'; did you mean 'kmeans'? Known: gmm, hierarchical, kmeans.",
    ),
}


@pytest.mark.parametrize(("mistaken", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_misspelling_is_answered_with_the_nearest(mistaken, sentence):
    with pytest.raises(UsageError) as error:
        Recipe.of(mistaken, "site")
    assert str(error.value) == sentence


WRONG = {
    "size": (values(size=10), "Setting 'size' of recipe 'site' is 10: it should be from 64 to 2048 pixels."),
    "size of another type": (
        values(size="big"),
        "Setting 'size' of recipe 'site' is 'big': it should be from 64 to 2048 pixels.",
    ),
    "folds": (values(panel={"folds": 1}), "Setting 'folds' of recipe 'site' is 1: it should be 2 or more."),
    "weight": (
        member(weight="heavy"),
        "Setting 'weight' of recipe 'site', member is 'heavy': it should be a number from 0.001 to 1000.",
    ),
    "weight below 0": (
        member(weight=-1.0),
        "Setting 'weight' of recipe 'site', member is -1.0: it should be a number from 0.001 to 1000.",
    ),
    "weight that is no number": (
        member(weight=float("nan")),
        "Setting 'weight' of recipe 'site', member is nan: it should be a number from 0.001 to 1000.",
    ),
    "alpha": (
        values(threshold={"choice": "conformal", "alpha": 2}),
        "Setting 'alpha' of recipe 'site', threshold 'conformal' is 2: input should be less than 1.",
    ),
    "floor": (
        member(module={"choice": "signed", "floor": -1}),
        "Setting 'floor' of recipe 'site', member, low-quality module 'signed' is -1: input should be greater than 0.",
    ),
    "no member": (
        values(members=[]),
        "Recipe 'site' has no [[members]]; give it at least one encoder and module.",
    ),
    "members that are none": (
        values(members=3),
        "Recipe 'site' has no [[members]]; give it at least one encoder and module.",
    ),
    "half a member": (
        values(members=[{"encoder": "measures"}]),
        "A member of recipe 'site' has no 'module'; name one (see `unoqa choices`).",
    ),
    "a table that is none": (values(split="x"), "recipe 'site', split should be a table of settings, not 'x'."),
    "no choice": (
        values(threshold={"alpha": 0.1}),
        "A threshold of recipe 'site' has no 'choice'; known: conformal, fixed.",
    ),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG)
def test_a_value_out_of_range_is_named(wrong, sentence):
    with pytest.raises(UsageError) as error:
        Recipe.of(wrong, "site")
    assert str(error.value) == sentence


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
    assert Recipe.read(path).values() == sound()
