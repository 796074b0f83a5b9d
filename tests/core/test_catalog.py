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

import numpy as np
from unoqa.encoders.measures.parts.measure import Measure


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


def test_another_package_cannot_use_the_name_of_a_choice_of_unoqa(whiteness, tmp_path):
    metadata = tmp_path / "whiteness-1.0.dist-info" / "entry_points.txt"
    metadata.write_text("[unoqa.encoders.measures]\ncentring = whiteness_of_scans\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"whiteness_of_scans adds a measure 'centring', but unoqa already has one"):
        MEASURES.names()


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
    with pytest.raises(TypeError, match=r"^empty_shelf\.nothing must define one Clustering, not 0\.$"):
        Shelf("empty_shelf", Clustering, "clustering").load("nothing")
