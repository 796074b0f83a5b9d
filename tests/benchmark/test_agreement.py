"""Metrics of agreement equal those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, recall_score, roc_auc_score

from unoqa.benchmark.agreement import (
    Detection,
    balanced_accuracy,
    confusion_matrix,
    kappa,
    measure_agreement,
    quadratic_weights,
)
from unoqa.core.auroc import auroc, auroc_difference
from unoqa.core.grading import Grade

grades = st.integers(0, 2)
pairs = st.lists(st.tuples(grades, grades), min_size=3, max_size=60).filter(lambda rows: len(set(rows)) > 1)
halves = st.lists(st.integers(-5, 5), min_size=1, max_size=30)
"""Scores with few distinct values, so that many are tied."""


def columns(rows):
    reference, predicted = np.array(rows, dtype=np.int64).T
    return reference, predicted


def clinic(images=80, seed=0):
    """Return reference grades, predicted grades that often equal them, and scores correlated with both."""
    random = np.random.default_rng(seed)
    reference = random.integers(0, 3, images)
    predicted = np.where(random.random(images) < 0.7, reference, random.integers(0, 3, images))
    return reference, predicted, random.normal(size=images) - reference


@given(pairs)
def test_kappa_is_scikit_learns(rows):
    reference, predicted = columns(rows)
    table = confusion_matrix(reference, predicted)
    if len({*reference, *predicted}) > 1:
        assert kappa(table) == pytest.approx(cohen_kappa_score(reference, predicted))
        expected = cohen_kappa_score(reference, predicted, weights="quadratic", labels=[0, 1, 2])
        assert kappa(table, quadratic_weights()) == pytest.approx(expected)


@given(pairs)
def test_balanced_accuracy_is_scikit_learns_mean_recall(rows):
    reference, predicted = columns(rows)
    expected = recall_score(reference, predicted, labels=np.unique(reference), average="macro")
    assert balanced_accuracy(confusion_matrix(reference, predicted)) == pytest.approx(expected)


@given(halves, halves)
def test_the_auroc_is_scikit_learns(worse, better):
    truth = [1] * len(worse) + [0] * len(better)
    found = auroc(np.array(worse, dtype=np.float64), np.array(better, dtype=np.float64))
    assert found == pytest.approx(roc_auc_score(truth, worse + better))


def test_the_interval_of_a_difference_of_areas_is_that_of_resampled_images():
    """Percentiles of 2,000 resamples of each class are the outside truth; both scores have ties."""
    random = np.random.default_rng(0)
    truth = np.repeat([1.0, 0.0], [70, 90])
    scores = np.round(np.stack([truth + random.normal(size=160), truth / 2 + random.normal(size=160)]), 1)
    high, low = scores[:, :70], scores[:, 70:]
    difference, least, most = auroc_difference(high, low)
    assert difference == pytest.approx(auroc(high[0], low[0]) - auroc(high[1], low[1]))
    drawn = []
    for _ in range(2000):
        some, others = high[:, random.integers(70, size=70)], low[:, random.integers(90, size=90)]
        drawn.append(auroc(some[0], others[0]) - auroc(some[1], others[1]))
    assert np.percentile(drawn, [2.5, 97.5]) == pytest.approx([least, most], abs=0.01)
    assert 0.1 < most - least < 0.3


def test_the_interval_of_a_difference_of_areas_follows_its_definition():
    """DeLong's covariance from the kernel of each pair of images, written out."""
    random = np.random.default_rng(1)
    high, low = random.normal(1, 1, (2, 12)), random.normal(0, 1, (2, 9))
    kernel = (high[:, :, None] > low[:, None, :]).astype(float)
    parts = [(kernel.mean(axis=2), 12), (kernel.mean(axis=1), 9)]
    covariance = sum(np.cov(values) / count for values, count in parts)
    half = 1.959963984540054 * np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    difference, least, most = auroc_difference(high, low)
    assert (least, most) == pytest.approx((difference - half, difference + half))
    assert np.isnan(auroc_difference(high, low[:, :1])).all()


def test_the_rows_of_the_confusion_matrix_are_the_reference():
    table = confusion_matrix(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 2, 2]))
    assert table.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 2]]


def test_all_metrics_of_a_clinic_are_scikit_learns():
    reference, predicted, scores = clinic()
    values = {name: metric.value for name, metric in measure_agreement(reference, predicted, scores).metrics.items()}
    assert values == {
        "kappa": pytest.approx(cohen_kappa_score(reference, predicted)),
        "quadratic kappa": pytest.approx(cohen_kappa_score(reference, predicted, weights="quadratic")),
        "accuracy": pytest.approx(accuracy_score(reference, predicted)),
        "balanced accuracy": pytest.approx(recall_score(reference, predicted, average="macro")),
        "AUROC outstanding vs rest": pytest.approx(roc_auc_score(reference != 2, scores)),
        "AUROC ungradable vs rest": pytest.approx(roc_auc_score(reference == 0, scores)),
    }


@pytest.mark.parametrize("seed", range(3))
def test_an_interval_contains_its_value(seed):
    for metric in measure_agreement(*clinic(seed=seed)).metrics.values():
        assert -1 <= metric.low < metric.value < metric.high <= 1


def test_more_images_make_a_narrower_interval():
    few, many = (measure_agreement(*clinic(images)).metrics["kappa"] for images in (40, 400))
    assert many.high - many.low < few.high - few.low


def test_the_same_seed_gives_the_same_interval():
    assert measure_agreement(*clinic(), seed=1).metrics == measure_agreement(*clinic(), seed=1).metrics
    assert measure_agreement(*clinic(), seed=1).metrics != measure_agreement(*clinic(), seed=2).metrics


def test_a_perfect_grader_has_ones():
    reference, _, _ = clinic()
    found = measure_agreement(reference, reference, -reference.astype(np.float64))
    assert {metric.value for metric in found.metrics.values()} == {1.0}
    assert found.images == 80


def test_an_image_with_a_score_but_no_grade_counts_for_the_aurocs_only():
    reference, predicted, scores = clinic()
    some = np.where(np.arange(len(predicted)) % 3 == 0, -1, predicted)
    found, whole = measure_agreement(reference, some, scores), measure_agreement(reference, predicted, scores)
    graded = measure_agreement(reference[some >= 0], some[some >= 0], scores[some >= 0])
    assert found.images == graded.images == found.confusion.sum()
    for name, metric in found.metrics.items():
        assert metric.value == (whole if "AUROC" in name else graded).metrics[name].value


def test_with_one_class_only_the_auroc_is_nan():
    found = measure_agreement(np.full(5, 2), np.array([2, 2, 1, 2, 0]), np.arange(5.0)).metrics
    assert found["accuracy"].value == 0.6
    assert all(np.isnan(vars(found["AUROC outstanding vs rest"])[key]) for key in ("value", "low", "high"))


def test_each_grade_is_detected_as_a_table_of_two_by_two_says():
    """Counted by hand: rows are reference grades 0, 1, 2; columns those given."""
    table = np.array([[8, 2, 0], [1, 20, 4], [0, 5, 60]])
    found = Detection.of(table, Grade.UNGRADABLE)
    counts = [(one.count, one.total) for one in (found.sensitivity, found.specificity, found.positive, found.negative)]
    assert counts == [(8, 10), (89, 90), (8, 9), (89, 91)]
