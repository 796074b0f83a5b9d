"""A model of one device, adapted to another by unlabelled images of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import unoqa
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.core.errors import CohortError, UsageError
from unoqa.grader.adaptation import adapt, choose_best


@pytest.fixture(scope="module")
def dimmer():
    """Return 90 scans of another device, which makes them dimmer."""
    scans = draw_scans(outstanding=50, gradable=40, ungradable=0, seed=7, size=160)
    return [unoqa.EnfaceImage(scan.name, 0.7 * (scan.pixels / 255).astype(np.float32)) for scan in scans]


def test_the_best_are_chosen_by_scores_that_the_device_itself_standardises():
    generator = np.random.default_rng(0)
    faults = np.where(np.arange(200) < 100, 0.0, 6.0)
    # The device moves the first member by 10 for all images, and the second, which shows the fault, not at all.
    members = np.stack([10 + generator.normal(size=200), generator.normal(size=200) + faults], axis=1)
    best = choose_best(members, np.array([1.0, 1.0]), "norm")
    assert len(best) == 80
    assert (best < 100).mean() > 0.95


def test_at_most_a_hundred_are_chosen():
    members = np.random.default_rng(0).normal(size=(1000, 2))
    assert len(choose_best(members, np.ones(2), "sum")) == 100


def test_few_scans_are_refused(grader, dimmer):
    with pytest.raises(CohortError) as error:
        adapt(grader, dimmer[:20])
    assert str(error.value).startswith("Adapting a model takes at least 75 scans of the new device, and ")
    assert str(error.value).endswith(" of these 20 images can be used; give more, good and poor ones as they come.")


def test_models_that_were_adapted_or_set_with_labels_are_refused(grader, dimmer):
    for facts, words in (({"adapted": {}}, "was adapted itself"), ({"calibration": {}}, "were set with labels")):
        changed = replace(grader, model=replace(grader.model, **facts))
        with pytest.raises(UsageError, match=words):
            adapt(changed, dimmer)


@pytest.mark.slow
def test_an_adapted_model_says_so_and_loads_back_equal(grader, dimmer, tmp_path):
    adapted = adapt(grader, dimmer)
    chosen = adapted.model.adapted
    assert chosen["fitted"] == round(0.4 * chosen["images"])
    settled = adapted.settle(dimmer)
    settled.save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (
        f"the {chosen['fitted']} images, of {chosen['images']} unlabelled ones, that a model of another device" in card
    )
    assert "no share α of these is promised" in card
    assert "outstanding images only" not in card
    loaded = unoqa.load(tmp_path / "model")
    assert loaded.grader.model.adapted == chosen
    assert loaded.grade_all(dimmer[:5]).gradings == settled.grade_all(dimmer[:5]).gradings
