"""Supervised references learn from labels that carry information, and learn nothing from shuffled labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

from unoqa.benchmark.supervised import REFERENCES, LabelledData, SupervisedReference
from unoqa.benchmark.supervised.logistic import Logistic
from unoqa.benchmark.supervised.parts.cross_validation import cross_validate, summarise_probabilities
from unoqa.benchmark.supervised.parts.grade_columns import to_grade_columns
from unoqa.benchmark.supervised.svm import Svm
from unoqa.core.auroc import auroc
from unoqa.core.errors import DataSetError

SETTINGS = {
    "logistic": Logistic(C=1.0),
    "logistic-unbalanced": Logistic(C=1.0, balanced=False),
    "svm": Svm(),
    "svm-unbalanced": Svm(balanced=False),
}

every_reference = pytest.mark.parametrize("reference", SETTINGS.values(), ids=SETTINGS)


def make_data(grades, features, saliency=None):
    """Return data whose pixels must not be read."""
    if saliency is None:
        saliency = np.zeros((len(grades), 0))
    return LabelledData(np.asarray(grades), features, saliency, lambda _: pytest.fail("the pixels were read"))


def draw_data(images=90, apart=4.0, seed=0):
    """Return data with equal shares of the grades; one of six features depends on the grade."""
    random = np.random.default_rng(seed)
    grades = random.permutation(np.arange(images) % 3)
    features = random.normal(size=(images, 6))
    features[:, 2] += apart * grades
    return make_data(grades, features.astype(np.float32))


def catch_refusal(grades, reference=SETTINGS["svm"]):
    with pytest.raises(DataSetError) as caught:
        cross_validate(reference, make_data(grades, np.zeros((len(grades), 2))), seed=0)
    return str(caught.value)


def test_every_choice_is_a_reference():
    assert all(issubclass(REFERENCES.load(name), SupervisedReference) for name in REFERENCES.names())


@every_reference
def test_separable_grades_are_recognised(reference):
    data = draw_data(apart=8.0)
    probabilities = cross_validate(reference, data, seed=0)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (summarise_probabilities(probabilities)[0] == data.grades).mean() > 0.9


@every_reference
def test_nothing_is_learned_from_shuffled_labels(reference):
    data = draw_data(images=300, apart=8.0)
    shuffled = make_data(np.random.default_rng(1).permutation(data.grades), data.features)
    given, severity = summarise_probabilities(cross_validate(reference, shuffled, seed=0))
    assert (given == shuffled.grades).mean() == pytest.approx(1 / 3, abs=0.09)
    worse = shuffled.grades != 2
    assert auroc(severity[worse], severity[~worse]) == pytest.approx(0.5, abs=0.1)


@every_reference
def test_fishers_irises_are_recognised_as_often_as_published(reference):
    iris = load_iris()
    given, _ = summarise_probabilities(cross_validate(reference, make_data(iris.target, iris.data), seed=0))
    assert (given == iris.target).mean() >= 0.94  # textbook classifiers get 3 to 7 of the 150 wrong


@every_reference
def test_an_image_does_not_change_the_prediction_of_another(reference):
    data, seen = draw_data(), np.arange(60)
    together = reference.fit_predict(seen, np.arange(60, 90), data, seed=0)
    alone = reference.fit_predict(seen, np.array([75]), data, seed=0)
    assert alone[0] == pytest.approx(together[15], abs=1e-12)


@every_reference
def test_a_seed_gives_the_same_again_and_global_random_numbers_stay(reference):
    before = np.random.get_state(legacy=False)["state"]
    first, second = (cross_validate(reference, draw_data(), seed=3) for _ in range(2))
    assert np.array_equal(first, second)
    after = np.random.get_state(legacy=False)["state"]
    assert (after["pos"], after["key"].tolist()) == (before["pos"], before["key"].tolist())


@every_reference
def test_the_unit_of_a_feature_does_not_matter(reference):
    data = draw_data()
    rescaled = make_data(data.grades, data.features * np.array([1, 1e3, 1e-3, 1, 1, 1]) + 7)
    expected = cross_validate(reference, data, seed=0)
    assert cross_validate(reference, rescaled, seed=0) == pytest.approx(expected, abs=1e-3)


@every_reference
def test_a_grade_that_never_occurs_has_no_probability(reference):
    data = draw_data()
    two = make_data(np.maximum(data.grades, 1), data.features)
    probabilities = cross_validate(reference, two, seed=0)
    assert not probabilities[:, 0].any()
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_balance_gives_a_rare_grade_more_often():
    data = draw_data(images=400, apart=1.0)
    kept = np.flatnonzero((data.grades != 0) | (np.arange(400) % 8 == 0))
    rare = make_data(data.grades[kept], data.features[kept])
    given = {
        balanced: summarise_probabilities(cross_validate(Logistic(balanced=balanced), rare, seed=0))[0]
        for balanced in (True, False)
    }
    assert (given[True] == 0).sum() > 2 * (given[False] == 0).sum()


def test_the_probe_has_the_gradient_of_an_optimum():
    data, everyone = draw_data(), np.arange(90)
    probabilities = Logistic(C=0.1).fit_predict(everyone, everyone, data, seed=0)
    standard = (data.features - data.features.mean(axis=0)) / data.features.std(axis=0)
    # At the optimum the weights are C times the features' residuals (Hastie et al. 2009, section 4.4).
    weights = 0.1 * standard.T @ (np.eye(3)[data.grades] - probabilities)
    logits = np.log(probabilities)
    away = softmax(standard @ weights + (logits - standard @ weights).mean(axis=0), axis=1) - probabilities
    assert np.abs(away).max() < 1e-3


def test_the_svm_uses_saliency_too():
    data = draw_data(apart=8.0)
    blind = make_data(data.grades, data.features[:, :2], saliency=data.features[:, 2:])
    assert (summarise_probabilities(cross_validate(Svm(), blind, seed=0))[0] == data.grades).mean() > 0.9
    assert (summarise_probabilities(cross_validate(Logistic(), blind, seed=0))[0] == data.grades).mean() < 0.5


class Counting:
    """A progress that counts its steps."""

    def __init__(self):
        self.total, self.steps = 0, 0

    def task(self, title, total):
        self.total = total
        return self

    def __enter__(self):
        return self.step

    def __exit__(self, *_):
        pass

    def step(self):
        self.steps += 1


def test_each_image_is_predicted_once_by_a_reference_that_has_not_seen_it():
    data, progress = draw_data(), Counting()
    probabilities = cross_validate(SETTINGS["logistic"], data, seed=5, folds=4, progress=progress)
    splits = StratifiedKFold(4, shuffle=True, random_state=5).split(data.grades, data.grades)
    for seen, unseen in splits:
        expected = SETTINGS["logistic"].fit_predict(seen, unseen, data, seed=5)
        assert np.array_equal(probabilities[unseen], expected)
    assert progress.total == progress.steps == 4


def test_a_rare_grade_lowers_the_folds_to_its_images():
    data, progress = draw_data(images=30), Counting()
    kept = np.flatnonzero((data.grades > 0) | (np.cumsum(data.grades == 0) <= 3))
    rare = make_data(data.grades[kept], data.features[kept])
    assert cross_validate(Svm(), rare, seed=0, progress=progress).shape == (23, 3)
    assert progress.total == 3


@pytest.mark.parametrize(
    ("grades", "sentence"),
    [
        (
            [2] * 9 + [1] * 9 + [0] * 2,
            "The grade ungradable has 2 labelled images, but a supervised reference needs 3 of each grade that occurs; "
            "label more, or leave those out.",
        ),
        (
            [2] * 9,
            "A supervised reference learns from labelled images of two or three grades, but has 9 labelled images, all "
            "outstanding; label images of other grades too.",
        ),
    ],
)
def test_too_few_labels_are_refused(grades, sentence):
    assert catch_refusal(grades) == sentence


def test_no_label_at_all_is_refused():
    assert catch_refusal(np.zeros(0, dtype=int)) == (
        "A supervised reference learns from labelled images of two or three grades, but has 0 labelled images; "
        "label images of other grades too."
    )


def test_severity_is_the_expected_number_of_grades_below_outstanding():
    given, severity = summarise_probabilities(np.array([[0.0, 0.0, 1.0], [0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
    assert given.tolist() == [2, 1, 0]
    assert severity == pytest.approx([0.0, 0.9, 2.0])


def test_probabilities_are_in_the_columns_of_their_grades():
    assert to_grade_columns(np.array([[0.3, 0.7]]), np.array([0, 2])).tolist() == [[0.3, 0.0, 0.7]]
