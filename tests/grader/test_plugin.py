"""A package outside ours adds choices through its entry points: listed, fitted, saved, read back and missed."""

from __future__ import annotations

import pytest

import unoqa
from plugins import install_example
from unoqa.core.errors import ModelError
from unoqa.encoders.measures import MEASURES
from unoqa.lowquality import MODULES


@pytest.fixture
def plugin(monkeypatch, tmp_path):
    with monkeypatch.context() as installed:
        install_example(installed, tmp_path / "example")
        yield installed


def recipe(choice="channel_mean", **settings):
    member = {"encoder": "measures", "module": {"choice": choice, **settings}}
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
    assert "bright_spots" in again.fitted.findings.names
    words = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    added = "low-quality module channel_mean of unoqa-example 1.0; measure bright_spots of unoqa-example 1.0"
    assert f"| added by other packages | {added} |" in words
    with unoqa.grade_to_folder(again, clinic.mixed, tmp_path / "results") as results:
        assert results.facts["versions"]["unoqa-example"] == "1.0"
    assert (tmp_path / "results" / "summary.md").is_file()


@pytest.mark.usefixtures("plugin")
def test_its_settings_are_checked_like_ours():
    with pytest.raises(unoqa.UnoqaError, match="floor"):
        recipe(floor=-1)
    with pytest.raises(unoqa.UnoqaError, match="did you mean 'floor'"):
        recipe(flor=1)


def test_a_model_fitted_without_a_measure_knows_its_channels_when_it_is_installed(clinic, tmp_path, monkeypatch):
    recipe("gaussian", scales=["image"]).fit(clinic.outstanding).save(tmp_path / "model")
    image = clinic.images()[0]
    before = unoqa.load(tmp_path / "model").assess(image, all_findings=True)[0]
    install_example(monkeypatch, tmp_path / "example")
    assert "bright_spots" in MEASURES.names()
    after = unoqa.load(tmp_path / "model").assess(image, all_findings=True)[0]
    assert (after.score, after.findings, after.statistics) == (before.score, before.findings, before.statistics)


def test_a_measure_that_no_module_reads_refuses_no_model_when_it_is_gone(clinic, tmp_path, plugin):
    grader = recipe("signed", channels=["sharpness"]).fit(clinic.outstanding)
    grader.save(tmp_path / "model")
    image = clinic.images()[0]
    before = grader.assess(image, all_findings=True)[0]
    plugin.undo()
    again = unoqa.load(tmp_path / "model")
    after = again.assess(image, all_findings=True)[0]
    assert after.score == before.score
    assert after.findings == tuple(one for one in before.findings if one.measure != "bright_spots")
    (sentence,) = again.model.find_warnings()
    assert sentence == (
        "The measure 'bright_spots' of the package unoqa-example 1.0 is not as the model knows it, so no finding names "
        "its fault."
    )


@pytest.mark.parametrize(
    ("choice", "settings", "sentence"),
    [
        (
            "gaussian",
            {"scales": ["image"]},
            "The model was made with version 1 of the measure 'bright_spots' of the package unoqa-example 1.0, and "
            "this installation has none; fit it again, or install unoqa-example 1.0.",
        ),
        (
            "channel_mean",
            {},
            "The model needs the low-quality module 'channel_mean' of the package unoqa-example 1.0, which is not "
            "installed; install it.",
        ),
    ],
)
def test_a_model_that_needs_a_package_names_it_when_it_is_gone(clinic, tmp_path, plugin, choice, settings, sentence):
    recipe(choice, **settings).fit(clinic.outstanding).save(tmp_path / "model")
    plugin.undo()
    with pytest.raises(ModelError) as caught:
        unoqa.load(tmp_path / "model")
    assert str(caught.value) == sentence


def test_every_contract_is_exported():
    assert set(unoqa.contracts.__all__) <= set(dir(unoqa.contracts))
    assert all(getattr(unoqa.contracts, name) is not None for name in unoqa.contracts.__all__)
