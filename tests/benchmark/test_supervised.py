"""Supervised references learn what labels teach, and nothing from labels that teach nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

from unoqa.benchmark.supervised import REFERENCES, Reference, Specimens
from unoqa.benchmark.supervised.logistic import Logistic
from unoqa.benchmark.supervised.parts.cross_validation import cross_validated, scores
from unoqa.benchmark.supervised.parts.grades import by_grade
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


def specimens(grades, features, saliency=None):
    """Return specimens that nobody will look at."""
    if saliency is None:
        saliency = np.zeros((len(grades), 0))
    return Specimens(np.asarray(grades), features, saliency, lambda _: pytest.fail("the pixels were asked for"))


def graded(images=90, apart=4.0, seed=0):
    """Return specimens whose grade stands in one of six numbers, in equal shares."""
    random = np.random.default_rng(seed)
    grades = random.permutation(np.arange(images) % 3)
    features = random.normal(size=(images, 6))
    features[:, 2] += apart * grades
    return specimens(grades, features.astype(np.float32))


def refusal(grades, reference=SETTINGS["svm"]):
    with pytest.raises(DataSetError) as caught:
        cross_validated(reference, specimens(grades, np.zeros((len(grades), 2))), seed=0)
    return str(caught.value)


def test_every_choice_is_a_reference():
    assert all(issubclass(REFERENCES.load(name), Reference) for name in REFERENCES.names())


@every_reference
def test_separable_grades_are_told(reference):
    shown = graded(apart=8.0)
    probabilities = cross_validated(reference, shown, seed=0)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (scores(probabilities)[0] == shown.grades).mean() > 0.9


@every_reference
def test_labels_that_were_shuffled_teach_nothing(reference):
    shown = graded(images=300, apart=8.0)
    shuffled = specimens(np.random.default_rng(1).permutation(shown.grades), shown.features)
    given, severity = scores(cross_validated(reference, shuffled, seed=0))
    assert (given == shuffled.grades).mean() == pytest.approx(1 / 3, abs=0.09)
    worse = shuffled.grades != 2
    assert auroc(severity[worse], severity[~worse]) == pytest.approx(0.5, abs=0.1)


@every_reference
def test_fishers_irises_are_told_as_often_as_is_known(reference):
    iris = load_iris()
    given, _ = scores(cross_validated(reference, specimens(iris.target, iris.data), seed=0))
    assert (given == iris.target).mean() >= 0.94  # of the 150, textbooks' classifiers mistake 3 to 7


@every_reference
def test_an_image_does_not_change_what_is_said_of_another(reference):
    shown, seen = graded(), np.arange(60)
    together = reference.predict(seen, np.arange(60, 90), shown, seed=0)
    alone = reference.predict(seen, np.array([75]), shown, seed=0)
    assert alone[0] == pytest.approx(together[15], abs=1e-12)


@every_reference
def test_a_seed_gives_the_same_again_and_global_random_numbers_stay(reference):
    before = np.random.get_state(legacy=False)["state"]
    first, second = (cross_validated(reference, graded(), seed=3) for _ in range(2))
    assert np.array_equal(first, second)
    after = np.random.get_state(legacy=False)["state"]
    assert (after["pos"], after["key"].tolist()) == (before["pos"], before["key"].tolist())


@every_reference
def test_the_unit_of_a_feature_does_not_matter(reference):
    shown = graded()
    rescaled = specimens(shown.grades, shown.features * np.array([1, 1e3, 1e-3, 1, 1, 1]) + 7)
    expected = cross_validated(reference, shown, seed=0)
    assert cross_validated(reference, rescaled, seed=0) == pytest.approx(expected, abs=1e-3)


@every_reference
def test_a_grade_that_never_occurs_has_no_probability(reference):
    shown = graded()
    two = specimens(np.maximum(shown.grades, 1), shown.features)
    probabilities = cross_validated(reference, two, seed=0)
    assert not probabilities[:, 0].any()
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_balance_lets_a_rare_grade_be_given_more_often():
    shown = graded(images=400, apart=1.0)
    kept = np.flatnonzero((shown.grades != 0) | (np.arange(400) % 8 == 0))
    rare = specimens(shown.grades[kept], shown.features[kept])
    given = {
        balanced: scores(cross_validated(Logistic(balanced=balanced), rare, seed=0))[0] for balanced in (True, False)
    }
    assert (given[True] == 0).sum() > 2 * (given[False] == 0).sum()


def test_the_probe_has_the_gradient_of_an_optimum():
    shown, everyone = graded(), np.arange(90)
    probabilities = Logistic(C=0.1).predict(everyone, everyone, shown, seed=0)
    standard = (shown.features - shown.features.mean(axis=0)) / shown.features.std(axis=0)
    # At the optimum the weights are C times the features' residuals (Hastie et al. 2009, section 4.4).
    weights = 0.1 * standard.T @ (np.eye(3)[shown.grades] - probabilities)
    logits = np.log(probabilities)
    away = softmax(standard @ weights + (logits - standard @ weights).mean(axis=0), axis=1) - probabilities
    assert np.abs(away).max() < 1e-3


def test_the_machine_uses_saliency_too():
    shown = graded(apart=8.0)
    blind = specimens(shown.grades, shown.features[:, :2], saliency=shown.features[:, 2:])
    assert (scores(cross_validated(Svm(), blind, seed=0))[0] == shown.grades).mean() > 0.9
    assert (scores(cross_validated(Logistic(), blind, seed=0))[0] == shown.grades).mean() < 0.5


class Counting:
    """A progress that counts."""

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


def test_each_image_is_judged_once_by_a_reference_that_has_not_seen_it():
    shown, progress = graded(), Counting()
    probabilities = cross_validated(SETTINGS["logistic"], shown, seed=5, folds=4, progress=progress)
    splits = StratifiedKFold(4, shuffle=True, random_state=5).split(shown.grades, shown.grades)
    for seen, unseen in splits:
        expected = SETTINGS["logistic"].predict(seen, unseen, shown, seed=5)
        assert np.array_equal(probabilities[unseen], expected)
    assert progress.total == progress.steps == 4


def test_a_rare_grade_lowers_the_folds_to_its_images():
    shown, progress = graded(images=30), Counting()
    kept = np.flatnonzero((shown.grades > 0) | (np.cumsum(shown.grades == 0) <= 3))
    rare = specimens(shown.grades[kept], shown.features[kept])
    assert cross_validated(Svm(), rare, seed=0, progress=progress).shape == (23, 3)
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
            "A supervised reference learns from labelled images of two grades or three, but has 9 labelled images, all "
            "outstanding; label images of other grades too.",
        ),
    ],
)
def test_too_few_labels_are_refused(grades, sentence):
    assert refusal(grades) == sentence


def test_no_label_at_all_is_refused():
    assert refusal(np.zeros(0, dtype=int)) == (
        "A supervised reference learns from labelled images of two grades or three, but has 0 labelled images; "
        "label images of other grades too."
    )


def test_severity_is_the_expected_number_of_grades_below_outstanding():
    given, severity = scores(np.array([[0.0, 0.0, 1.0], [0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
    assert given.tolist() == [2, 1, 0]
    assert severity == pytest.approx([0.0, 0.9, 2.0])


def test_probabilities_stand_in_the_columns_of_their_grades():
    assert by_grade(np.array([[0.3, 0.7]]), np.array([0, 2])).tolist() == [[0.3, 0.0, 0.7]]
