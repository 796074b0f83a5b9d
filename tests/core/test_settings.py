"""Settings are checked when made, and survive a recipe file."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Annotated

import pytest
import tomli_w
from pydantic import Field, ValidationError

from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import UsageError
from unoqa.core.settings import build, settings, to_plain
from unoqa.encoders import ENCODERS
from unoqa.lowquality import MODULES
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

SHELVES = (ENCODERS, MODULES, THRESHOLDS, REDUCTIONS, CLUSTERINGS)

every_choice = pytest.mark.parametrize(
    ("shelf", "name"),
    [pytest.param(shelf, name, id=f"{shelf.kind}-{name}") for shelf in SHELVES for name in shelf.names()],
)


@settings
class Lens:
    """Settings for these tests."""

    power: Annotated[float, Field(gt=0, le=4)] = 1.0
    coatings: tuple[str, ...] = ()


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        build(Lens, {"pover": 2.0}, "recipe 'site.toml', lens")
    assert str(caught.value) == (
        "There is no setting of recipe 'site.toml', lens 'pover'; did you mean 'power'? Known: coatings, power."
    )


def test_a_value_out_of_range_is_refused_with_the_range():
    with pytest.raises(UsageError) as caught:
        build(Lens, {"power": 5.0}, "recipe 'site.toml', lens")
    assert str(caught.value) == (
        "Setting 'power' of recipe 'site.toml', lens is 5.0: input should be less than or equal to 4."
    )


def test_a_value_of_another_type_is_refused_with_its_place():
    with pytest.raises(UsageError, match=r"^Setting 'coatings\.1' of lens is 3: "):
        build(Lens, {"coatings": ["a", 3]}, "lens")


def test_settings_cannot_be_changed_or_given_by_position():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Lens().power = 2.0
    with pytest.raises((TypeError, ValidationError)):
        Lens(2.0)


@every_choice
def test_settings_survive_a_recipe_file(shelf, name):
    made = shelf.load(name)()
    read = tomllib.loads(tomli_w.dumps(to_plain(made)))
    assert build(type(made), read, name) == made


@every_choice
def test_every_setting_says_what_it_is_for(shelf, name):
    adapted = shelf.load(name).__pydantic_fields__
    assert [key for key, field in adapted.items() if not field.description] == []


@every_choice
def test_a_choice_refuses_a_setting_that_it_does_not_have(shelf, name):
    with pytest.raises(UsageError, match="There is no setting of here 'colour'"):
        build(shelf.load(name), {"colour": "red"}, "here")


@every_choice
def test_a_choice_knows_its_name(shelf, name):
    assert shelf.find_name(shelf.load(name)()) == name
