"""A module of another package is checked when it is fitted: its state, its restore, and what it predicts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plugins import install
from unoqa.core.errors import FitError
from unoqa.core.features import FeatureSet, Scale
from unoqa.encoders.measures import Measures
from unoqa.grader.panel import Member, Panel
from unoqa.lowquality import MODULES

SOUND = '''
from typing import ClassVar, final

import torch
from unoqa.contracts import NO_WORK, Evidence, FittedModule, LowQualityModule, settings


@final
@settings
class Away(LowQualityModule):
    """Distance from the mean."""

    min_images: ClassVar[int] = 1

    def fit(self, features, *, seed, work=NO_WORK):
        rows = torch.stack([one.scales[0].mean(dim=(0, 2, 3)) for one in features.batches(1)])
        root = torch.linalg.cholesky(torch.cov(rows.T) + torch.eye(rows.shape[1]))
        return FittedAway({"mean": rows.mean(dim=0), "root": root})

    def restore(self, state, scales):
        return FittedAway(dict(state))


@final
class FittedAway(FittedModule):
    def __init__(self, arrays):
        self._arrays = arrays

    def predict(self, pyramid):
        away = pyramid.scales[0] - self._arrays["mean"][None, :, None, None]
        maps = torch.einsum("ij,bjrc->birc", self._arrays["root"], away).square().sum(dim=1)
        score = maps.mean(dim=(1, 2))
        return Evidence(score=score, maps=(maps,))

    def state(self):
        return dict(self._arrays)


def make(score, maps):
    """Make an Evidence without the check of shapes, which these tests switch on and a user's program does not."""
    evidence = object.__new__(Evidence)
    object.__setattr__(evidence, "score", score)
    object.__setattr__(evidence, "maps", maps)
    return evidence
'''
NAME = "The low-quality module 'away' of the package foreign 2.5"
NAMES = [f"scan_{number}.png" for number in range(10)]


@pytest.fixture
def fit(monkeypatch, tmp_path):
    def fit(old="", new=""):
        assert old in SOUND
        install(monkeypatch, tmp_path / "site", SOUND.replace(old, new) if old else SOUND, lowquality="away")
        random = np.random.default_rng(0)
        features = FeatureSet(
            (Scale("tiles", tuple("abcdefgh")),),
            (random.random((10, 8, 5, 5), dtype=np.float32),),
            np.arange(10),
            torch.device("cpu"),
        )
        panel = Panel((Member(Measures(), MODULES.load("away")()),))
        return features, panel, panel.fit([features], seed=0, names=NAMES)[0]

    return fit


def test_a_fitted_module_has_the_memory_order_that_a_file_gives(fit):
    features, panel, fitted = fit()
    arrays = fitted.members[0].state()
    assert all(array.is_contiguous() for array in arrays.values())
    state = {f"0.{name}": array.clone().contiguous() for name, array in arrays.items()}
    again = panel.restore(state, [features.scales], [{"mean": fitted.members[0].mean, "std": fitted.members[0].std}])
    for image in features.batches(1):
        assert again.predict([image]).score == fitted.predict([image]).score


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "return FittedAway(dict(state))",
            'return FittedAway({"mean": state["maen"]})',
            f"{NAME} does not come back from its own state: `restore` raises KeyError ('maen'); "
            "mend `state` or `restore`.",
        ),
        (
            "return FittedAway(dict(state))",
            'return FittedAway({**state, "mean": state["mean"] + 1})',
            f"{NAME} does not come back from its own state: 'mean' is another array after `restore`; "
            "mend `state` or `restore`.",
        ),
        (
            "return dict(self._arrays)",
            'return {"mean": self._arrays["mean"].numpy()}',
            f"{NAME} has a state that is not a dictionary of tensors; mend its `state`.",
        ),
        (
            '{"mean": rows.mean(dim=0), "root": root}',
            '{"mean": rows.mean(dim=0) * torch.nan, "root": root}',
            f"{NAME} has learned NaN in 'mean'; mend its `fit`.",
        ),
    ],
)
def test_a_module_that_does_not_come_back_from_its_state_is_refused_at_fit(fit, old, new, sentence):
    with pytest.raises(FitError) as caught:
        fit(old, new)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ("Evidence(score=score * torch.nan, maps=(maps,))", "the score nan"),
        ("make(score=score[:, None], maps=(maps,))", "a score of shape (1, 1) instead of (1,)"),
        ("make(score=score, maps=())", "no tuple of maps"),
        ("make(score=score, maps=maps)", "no tuple of maps"),
        ("make(score=score, maps=(score,))", "a map of shape (1,) instead of (1, rows, columns)"),
        (
            "Evidence(score=score, maps=(maps * 0 - 1,))",
            "a map with values from -1 to -1, which must be finite and not negative,",
        ),
        (
            "Evidence(score=score, maps=(maps / 0,))",
            "a map with values from inf to inf, which must be finite and not negative,",
        ),
    ],
)
def test_evidence_that_cannot_be_read_is_refused_at_fit_with_the_image(fit, new, fault):
    with pytest.raises(FitError) as caught:
        fit("Evidence(score=score, maps=(maps,))", new)
    start, _, rest = str(caught.value).partition(" for scan_")
    assert start == f"{NAME} gives {fault}"
    assert rest.endswith(".png; mend its `predict`, or leave out that image.")
