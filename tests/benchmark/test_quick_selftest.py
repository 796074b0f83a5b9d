"""The quick self-test of a fit scores damaged scans by modules that were not fitted on them, and the card tells it."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

import unoqa
from unoqa import EnfaceImage
from unoqa.benchmark.agreement import Estimate
from unoqa.benchmark.calibration.borders import Borders
from unoqa.benchmark.calibration.expectation import Expectation
from unoqa.benchmark.calibration.run import _set_borders
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.selftest import quick
from unoqa.benchmark.selftest.quick import SCANS, add_selftest
from unoqa.core.errors import ImageError
from unoqa.core.progress import NoProgress
from unoqa.grader.recipe import Recipe
from unoqa.store.workspace import Workspace


@pytest.fixture(scope="module")
def scans(outstanding_scans):
    drawn = [EnfaceImage(one.name, one.pixels / np.float32(255)) for one in outstanding_scans]
    return [drawn[0], replace(drawn[0], name="copy"), *drawn[1:]]


@pytest.fixture(scope="module")
def fits(scans, tmp_path_factory):
    """Return the preparation and the grader of each way to score new images; the second scan is a copy."""
    return {name: fit(name, scans, tmp_path_factory.mktemp(name)) for name in ("folds", "held-out", "refit")}


def fit(final, scans, folder):
    recipe = Recipe.named("measures").with_alpha(0.2)
    prepared = replace(recipe, panel=replace(recipe.panel, final=final)).prepare(scans)
    with Workspace(folder / "work") as workspace:
        return prepared, prepared.fit(seed=3, progress=NoProgress(), workspace=workspace)


@pytest.fixture(scope="module")
def tested(fits):
    prepared, grader = fits["folds"]
    return add_selftest(grader, prepared.source)


def test_each_scan_is_scored_by_the_module_that_gave_its_calibration_score(fits):
    for name in ("folds", "held-out"):
        prepared, grader = fits[name]
        modules = grader.fitted.report.held_out
        assert modules[1] == -1  # a copy is not fitted on
        scores = [
            grader.fitted.panel.keep(module)
            .predict(grader.encoders.encode(grader.encoders.prepare(image.load())))
            .score
            for image, module in zip(prepared.source.images, modules, strict=True)
            if module >= 0
        ]
        assert np.sort(scores) == pytest.approx(grader.fitted.reference, abs=1e-6)


def test_which_module_did_not_see_which_scan(fits):
    held_out = {name: grader.fitted.report.held_out for name, (_, grader) in fits.items()}
    assert sorted(set(held_out["folds"])) == [-1, 0, 1, 2, 3, 4]
    assert sorted(set(held_out["held-out"])) == [-1, 0]
    assert held_out["held-out"].count(0) == 5
    assert set(held_out["refit"]) == {-1}


def test_damage_is_planted_in_scans_of_different_folds(fits):
    prepared, grader = fits["folds"]
    chosen = quick._choose(prepared.source, grader.fitted.report.held_out)
    assert len(chosen) == SCANS
    assert len({module for _, module in chosen}) == SCANS
    assert all(module >= 0 for _, module in chosen)


def test_what_is_counted(tested):
    found = tested.model.selftest
    assert (found["scans"], found["held_out"]) == (SCANS, True)
    assert list(found["kinds"]) == list(load_damages())
    assert found["kinds"]["blink"] == {"refused": SCANS, "named": SCANS}
    assert set(found["kinds"]["stretch"]) == {"refused"}
    assert all(0 <= one.get("named", 0) <= one["refused"] <= SCANS for one in found["kinds"].values())
    assert found["undamaged"] < SCANS


def test_the_same_fit_finds_the_same_and_grades_as_without(fits, tested, scans):
    prepared, grader = fits["folds"]
    assert add_selftest(grader, prepared.source).model.selftest == tested.model.selftest
    assert tested.assess(scans[3])[0].score == grader.assess(scans[3])[0].score


def test_a_model_without_modules_that_did_not_see_a_scan_says_so(fits, tmp_path):
    prepared, grader = fits["refit"]
    add_selftest(grader, prepared.source).save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "modules that were fitted on it, since the model has no others" in card


def test_the_card_tells_what_was_found_and_a_loaded_model_keeps_it(fits, tested, tmp_path):
    fits["folds"][1].save(tmp_path / "without")
    tested.save(tmp_path / "with")
    assert "## What it sees" not in (tmp_path / "without" / "MODEL_CARD.md").read_text(encoding="utf-8")
    card = (tmp_path / "with" / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (\d) \| (\d|no finding for it) \|$", card, flags=re.MULTILINE)
    found = tested.model.selftest["kinds"]
    assert [(kind, int(refused)) for kind, refused, _ in rows] == [
        (kind, one["refused"]) for kind, one in found.items()
    ]
    assert "Synthetic damage is not real damage" in card
    assert "not fitted on it" in card
    again = unoqa.load(tmp_path / "with")
    assert again.model.selftest == tested.model.selftest
    again.save(tmp_path / "again")
    assert all(
        (tmp_path / "again" / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / "with").iterdir()
    )
    assert "selftest" in tomllib.loads((tmp_path / "with" / "model.toml").read_text(encoding="utf-8"))


def test_what_is_hardly_seen_is_named(tested, tmp_path):
    kinds = {kind: {"refused": 2 if kind == "blur" else SCANS} for kind in load_damages()}
    selftest = {**tested.model.selftest, "kinds": kinds}
    replace(tested, model=replace(tested.model, selftest=selftest)).save(tmp_path / "model")
    assert "Hardly seen, and not to be relied on: blur." in (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")


def test_what_was_seen_at_another_threshold_is_not_told_any_more(tested, tmp_path):
    borders = Borders(np.full(3, 2.0), np.full(3, 4.0))
    moved = _set_borders(tested.model, borders, 40, Expectation(Estimate(0.3, 0.2, 0.4), Estimate(0.5, 0.4, 0.6)))
    moved.save(tmp_path / "moved")
    assert "## What it sees" not in (tmp_path / "moved" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_scans_that_cannot_be_read_any_more_leave_the_card_as_it_was(fits):
    prepared, grader = fits["folds"]
    gone = replace(prepared.source, images=tuple(replace(one, load=fail) for one in prepared.source.images))
    assert add_selftest(grader, gone).model.selftest is None


def fail():
    raise ImageError("missing", "The file is gone.")
