"""Errors are sentences: what, where, what to do next."""

from __future__ import annotations

import pytest

from unoqa.core import errors


def test_the_error_for_an_unknown_name_suggests_the_nearest():
    error = errors.unknown_name_error("recipe", "measure", ["measures", "default"])
    assert isinstance(error, errors.UsageError)
    assert str(error) == "There is no recipe 'measure'; did you mean 'measures'? Known: default, measures."


def test_a_name_unlike_all_known_ones_gets_no_suggestion():
    error = errors.unknown_name_error("recipe", "zzz", ["default"])
    assert str(error) == "There is no recipe 'zzz'. Known: default."


def test_of_many_names_only_the_near_ones_are_listed():
    error = errors.unknown_name_error("model", "resnet_18", [f"vit{number}" for number in range(100)] + ["resnet18"])
    assert str(error) == "There is no model 'resnet_18'; did you mean 'resnet18'? 101 are known; near: resnet18."


def test_an_image_error_has_a_code_and_a_sentence():
    error = errors.ImageError("too-small", "a.png has 2×2 pixels.")
    assert (error.code, str(error)) == ("too-small", "a.png has 2×2 pixels.")


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_unoqa_error_catches_every_error(name):
    assert issubclass(getattr(errors, name), errors.UnoqaError)
    assert name in errors.__doc__
