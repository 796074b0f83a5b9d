"""A choice is a file, and another package can add one."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from unoqa.clusterings import CLUSTERINGS
from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Clustering
from unoqa.core.errors import UsageError
from unoqa.encoders import ENCODERS
from unoqa.encoders.measures import MEASURES, Measures

OUTSIDE = '''
"""A measure of another package."""

from typing import final

import numpy as np
from unoqa.encoders.measures.parts.measure import Measure


@final
class Whiteness(Measure):
    unit = "share"
    direction = 1
    sentence = "How white it is."
    reason = "white"
    local = False

    def measure(self, views):
        return np.array([[views.image.mean()]])
'''


@pytest.fixture
def whiteness(tmp_path, monkeypatch):
    """Install a distribution that adds one measure, laid out as by pip."""
    (tmp_path / "whiteness_of_scans.py").write_text(OUTSIDE, encoding="utf-8")
    metadata = tmp_path / "whiteness-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: whiteness\nVersion: 1.0\n", encoding="utf-8")
    entry = "[unoqa.encoders.measures]\nwhiteness = whiteness_of_scans\n"
    (metadata / "entry_points.txt").write_text(entry, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "whiteness"
    sys.modules.pop("whiteness_of_scans", None)


def test_names_are_the_names_of_the_files():
    assert {"gmm", "hierarchical", "kmeans"} <= set(CLUSTERINGS.names())
    assert "parts" not in CLUSTERINGS.names()


def test_a_choice_may_be_a_package():
    assert ENCODERS.load("measures") is Measures


def test_the_error_for_an_unknown_choice_suggests_the_nearest():
    with pytest.raises(UsageError) as caught:
        CLUSTERINGS.load("kmean")
    known = ", ".join(CLUSTERINGS.names())
    assert str(caught.value) == f"There is no clustering 'kmean'; did you mean 'kmeans'? Known: {known}."


def test_another_package_adds_a_choice(whiteness):
    assert whiteness in MEASURES.names()
    assert MEASURES.load(whiteness).reason == "white"


def test_a_choice_of_another_package_with_a_name_of_ours_is_left_out_and_named(whiteness, tmp_path):
    metadata = tmp_path / "whiteness-1.0.dist-info" / "entry_points.txt"
    metadata.write_text(
        "[unoqa.encoders.measures]\ncentring = whiteness_of_scans\nmy-white = whiteness_of_scans\n", encoding="utf-8"
    )
    assert whiteness not in MEASURES.names()
    assert MEASURES.load("centring").__module__.startswith("unoqa.")
    assert MEASURES.find_misnamed() == (
        "The measure 'centring' of the package whiteness 1.0 is left out: unoqa has one with that name; its author "
        "must rename the entry point.",
        "The measure 'my-white' of the package whiteness 1.0 is left out: its name must be made of letters, digits and "
        "underscores; its author must rename the entry point.",
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("@final\n", "", "Whiteness lacks @final"),
        ("    direction = 1\n", "", "Whiteness lacks direction"),
        ("direction = 1", "direction = 0", "the direction of Whiteness is 0; use 1 (high is bad) or -1"),
        (
            "def measure(",
            "def mesure(",
            "whiteness_of_scans must define one Measure, not 0; Whiteness lacks measure",
        ),
        (
            "class Whiteness(Measure):",
            "class Black(Measure):\n    measure = None\n\n\nclass Whiteness(Measure):",
            "whiteness_of_scans must define one Measure, not 2",
        ),
    ],
)
def test_a_class_of_another_package_that_is_not_whole_is_refused_with_what_it_lacks(
    whiteness, tmp_path, old, new, reason
):
    (tmp_path / "whiteness_of_scans.py").write_text(OUTSIDE.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        MEASURES.load(whiteness)
    assert str(caught.value) == (
        f"The measure 'whiteness' of the package whiteness 1.0 cannot be used (TypeError: {reason}); "
        "ask its author, or uninstall the package."
    )


def test_the_encoder_computes_an_added_measure_too(whiteness):
    encoder = Measures().open(device=torch.device("cpu"))
    column = encoder.scales[1].channels.index(whiteness)
    pyramid = encoder.encode(np.full((1, 64, 64), 0.25, dtype=np.float32))
    assert float(pyramid.scales[1][0, column, 0, 0]) == 0.25


def test_a_file_on_a_shelf_without_a_choice_is_an_error(tmp_path, monkeypatch):
    shelf = tmp_path / "empty_shelf"
    shelf.mkdir()
    (shelf / "__init__.py").touch()
    (shelf / "nothing.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match=r"^empty_shelf\.nothing must define one Clustering, not 0$"):
        Shelf("empty_shelf", Clustering, "clustering").load("nothing")
