"""A package outside ours adds a low-quality module through its entry point: listed, fitted, saved and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

import unoqa
from unoqa.lowquality import MODULES

PLUGIN = Path(__file__).parent.parent / "plugin"


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.syspath_prepend(PLUGIN)


def recipe(**settings):
    member = {"encoder": "measures", "module": {"choice": "channel_mean", **settings}}
    return unoqa.Recipe.from_values({"members": [member]}, "with-a-plugin")


def test_without_the_package_there_is_no_such_module():
    with pytest.raises(unoqa.UnoqaError, match=r"^with-a-plugin\.toml: module = 'channel_mean' is unknown; "):
        recipe()


@pytest.mark.usefixtures("plugin")
def test_the_module_stands_among_the_choices():
    assert "channel_mean" in MODULES.names()
    assert MODULES.load("channel_mean").__module__ == "unoqa_example.channel_mean"


@pytest.mark.usefixtures("plugin")
def test_a_recipe_with_it_is_fitted_saved_and_read_back(clinic, tmp_path):
    grader = recipe(floor=0.1).fit(clinic.outstanding)
    grader.save(tmp_path / "model")
    again = unoqa.load(tmp_path / "model")
    result, repeated = (one.grade_cohort(clinic.mixed) for one in (grader, again))
    assert repeated.gradings == result.gradings
    worst = [grading for grading in result.gradings if grading.grade is unoqa.Grade.UNGRADABLE]
    assert worst


@pytest.mark.usefixtures("plugin")
def test_its_settings_are_checked_like_ours():
    with pytest.raises(unoqa.UnoqaError, match="floor"):
        recipe(floor=-1)
    with pytest.raises(unoqa.UnoqaError, match="did you mean 'floor'"):
        recipe(flor=1)


def test_every_contract_is_exported():
    assert set(unoqa.contracts.__all__) <= set(dir(unoqa.contracts))
    assert all(getattr(unoqa.contracts, name) is not None for name in unoqa.contracts.__all__)
