"""Settings are checked when created, and can be written to and read from a recipe file."""

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


def test_the_error_for_an_unknown_key_suggests_the_nearest():
    with pytest.raises(UsageError) as caught:
        build(Lens, {"pover": 2.0}, "recipe 'site.toml', lens")
    assert str(caught.value) == (
        "There is no setting of recipe 'site.toml', lens 'pover'; did you mean 'power'? Known: coatings, power."
    )


def test_the_error_for_a_value_out_of_range_gives_the_range():
    with pytest.raises(UsageError) as caught:
        build(Lens, {"power": 5.0}, "recipe 'site.toml', lens")
    assert str(caught.value) == (
        "Setting 'power' of recipe 'site.toml', lens is 5.0: input should be less than or equal to 4."
    )


def test_the_error_for_a_value_of_another_type_gives_its_position():
    with pytest.raises(UsageError, match=r"^Setting 'coatings\.1' of lens is 3: "):
        build(Lens, {"coatings": ["a", 3]}, "lens")


def test_settings_cannot_be_changed_or_passed_by_position():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Lens().power = 2.0
    with pytest.raises((TypeError, ValidationError)):
        Lens(2.0)


@every_choice
def test_settings_can_be_written_to_and_read_from_a_recipe_file(shelf, name):
    written = shelf.load(name)()
    read = tomllib.loads(tomli_w.dumps(to_plain(written)))
    assert build(type(written), read, name) == written


@every_choice
def test_every_setting_has_a_description(shelf, name):
    fields = shelf.load(name).__pydantic_fields__
    assert [key for key, field in fields.items() if not field.description] == []


@every_choice
def test_a_choice_refuses_an_unknown_setting(shelf, name):
    with pytest.raises(UsageError, match="There is no setting of here 'colour'"):
        build(shelf.load(name), {"colour": "red"}, "here")


@every_choice
def test_a_choice_knows_its_name(shelf, name):
    assert shelf.find_name(shelf.load(name)()) == name
