"""A panel scores each outstanding image by models that have not seen it, and adds what its members say."""

import numpy as np
import pytest
import torch

from unoqa import Recipe
from unoqa.core.features import FeatureSet, Scale
from unoqa.encoders.measures import Measures
from unoqa.formats import collect, read
from unoqa.grader.cross_fitting import assign_folds
from unoqa.grader.panel import Member, Panel, fuse
from unoqa.lowquality.gaussian import Gaussian
from unoqa.lowquality.patchcore import Patchcore
from unoqa.lowquality.signed import Signed

SCALES = (Scale("grid", ("a", "b", "c")),)


def features(images=30, seed=0):
    values = np.random.default_rng(seed).normal(size=(images, 3, 4, 4)).astype(np.float32)
    return FeatureSet(SCALES, (values,), np.arange(images), torch.device("cpu"))


def panel(module, **settings):
    return Panel((Member(Measures(), module),), **settings)


@pytest.mark.parametrize(("images", "folds"), [(30, 5), (31, 5), (9, 4), (5, 5)])
def test_folds_are_dealt_equally(images, folds):
    counts = np.bincount(assign_folds(images, folds, seed=0), minlength=folds)
    assert counts.sum() == images
    assert counts.max() - counts.min() <= 1


def test_folds_are_dealt_by_the_seed():
    assert np.array_equal(assign_folds(40, 5, seed=1), assign_folds(40, 5, seed=1))
    assert not np.array_equal(assign_folds(40, 5, seed=1), assign_folds(40, 5, seed=2))


def test_the_sum_adds_and_the_norm_counts_faults_alone():
    scores = np.array([3.0, -5.0, 4.0])
    assert fuse(scores, "sum") == 2.0
    assert fuse(scores, "norm") == pytest.approx(5.0 + 0.001 * 2.0)


def test_the_norm_orders_images_better_than_the_average_too():
    assert fuse(np.array([-2.0, -1.0]), "norm") < fuse(np.array([-1.0, -1.0]), "norm") < 0


@pytest.mark.parametrize("score", [-2.0, 0.0, 3.0])
def test_the_norm_of_a_single_member_is_its_score(score):
    assert fuse(np.array([score]), "norm") == score


def test_images_are_scored_by_models_that_have_not_seen_them():
    learned, unseen = panel(Patchcore(ratio=1.0), final="refit", fusion="sum").fit([features()], seed=0)
    seen = [learned.predict([pyramid]).score for pyramid in features().batches(size=1)]
    assert len(unseen.scores) == 30
    assert unseen.scores.mean() == pytest.approx(0, abs=1e-9)
    assert max(seen) < unseen.scores.min()  # a patch memory holds what it has seen, at no distance


def test_the_levels_of_maps_are_those_of_unseen_images():
    settings = panel(Patchcore(ratio=1.0))
    learned, unseen = settings.fit([features()], seed=0)
    ((mean, spread),) = unseen.levels
    fresh = [learned.predict([pyramid]).maps[0] for pyramid in features(100, seed=5).batches(size=1)]
    assert mean == pytest.approx(np.mean(fresh), rel=0.1)
    assert np.std(fresh) <= spread < 2 * np.std(fresh)  # the mean over folds is calmer than one of them


def test_the_modules_of_all_folds_or_one_fitted_on_all_images():
    in_folds, _ = panel(Gaussian(), folds=4).fit([features()], seed=0)
    again, _ = panel(Gaussian(), folds=4, final="refit").fit([features()], seed=0)
    assert len(in_folds.members[0].modules) == 4
    assert len(again.members[0].modules) == 1


def test_held_out_images_are_those_of_the_first_fold_and_one_module_has_seen_the_others():
    given = features()
    learned, unseen = panel(Patchcore(ratio=1.0), folds=3, final="held-out", fusion="sum").fit([given], seed=0)
    said = np.array([learned.predict([pyramid]).score for pyramid in given.batches(size=1)])
    assert len(learned.members[0].modules) == 1
    assert np.array_equal(unseen.rows, np.flatnonzero(assign_folds(30, 3, seed=0) == 0))
    assert said[unseen.rows] == pytest.approx(unseen.scores)
    assert np.delete(said, unseen.rows).max() < unseen.scores.min()  # a memory holds what it has seen, at no distance


def test_a_weight_multiplies_a_members_score():
    single, double = (
        Panel((Member(Measures(), Gaussian(), weight),), "sum").fit([features()], seed=0)[0] for weight in (1.0, 2.0)
    )
    pyramid = next(features(1, seed=9).batches())
    assert double.predict([pyramid]).score == pytest.approx(2 * single.predict([pyramid]).score)


def test_a_floor_bounds_the_score_of_a_member_that_finds_outstanding_images_alike():
    alike = FeatureSet(SCALES, (np.zeros((30, 3, 4, 4), np.float32),), np.arange(30), torch.device("cpu"))
    settings = Signed(scale="grid", floor=1.0, ceiling=4.0)
    fitted, _ = Panel((Member(Measures(), settings, std_floor=0.5),), "sum").fit([alike], seed=0)
    other = FeatureSet(SCALES, (np.full((1, 3, 4, 4), 9, np.float32),), np.arange(1), torch.device("cpu"))
    assert fitted.predict([next(other.batches())]).score == pytest.approx(4.0 / 0.5)


def test_members_of_one_encoder_share_its_features():
    both = Panel((Member(Measures(), Gaussian()), Member(Measures(), Patchcore())))
    assert both.encoders() == (Measures(),)


def test_the_same_seed_gives_the_same_model_to_the_byte_and_another_seed_another(clinic, tmp_path):
    images = [read(reference) for reference in collect([clinic.outstanding]).references[:10]]
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        Recipe.named("measures").fit(images, seed=seed).save(tmp_path / name)
    first, second, other = ((tmp_path / name / "checksums.json").read_text() for name in ("first", "second", "other"))
    assert first == second
    assert first != other
