"""The package as a user meets it at a Python prompt."""

from __future__ import annotations

import doctest
import pkgutil
import pydoc
from importlib import import_module
from importlib.resources import files

import pytest

import unoqa

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(unoqa.__path__, "unoqa.")
    if not module.name.startswith("unoqa.lowquality.anomalib") and module.name != "unoqa.__main__"
)


def test_dir_shows_the_public_names():
    assert dir(unoqa) == unoqa.__all__


def test_help_shows_the_public_names():
    shown = pydoc.plain(pydoc.render_doc(unoqa))
    for name in ("class Recipe", "class Grader", "class SettledGrader", "class EnfaceImage", "load(folder"):
        assert name in shown


def test_types_are_shipped():
    assert (files("unoqa") / "py.typed").is_file()


def test_what_a_prompt_prints_is_short(grader, settled, clinic):
    assert repr(grader).startswith("Grader(recipe='measures', images=30, threshold=")
    assert repr(settled).startswith("SettledGrader(recipe='measures', images=30, threshold=")
    assert repr(settled).endswith(", cohort=40)")
    assert repr(unoqa.Recipe.named("default")) == "Recipe('default')"
    image = clinic.images()[0]
    assert repr(image) == f"EnfaceImage({image.name!r}, {image.pixels.shape[1]}×{image.pixels.shape[0]})"
    assert repr(settled.grade(image)).startswith(f"Grading({image.name!r}: ")
    assert len(repr(settled.grade(image))) < 250


def test_a_grader_that_is_not_settled_says_how_to_settle_it(grader, clinic):
    with pytest.raises(unoqa.UnoqaError, match=r"`unoqa settle COHORT -m MODEL -o MODEL2` \(in Python: `grader.settle"):
        grader.grade(clinic.images()[0])


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(import_module(module))
    assert result.failed == 0


def test_there_are_examples():
    assert sum(doctest.testmod(import_module(module)).attempted for module in MODULES) > 15
