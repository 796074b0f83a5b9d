"""Every reduction projects each point independently of the others, also after it is saved and restored."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.decomposition import PCA

from unoqa.reductions import REDUCTIONS, pca
from unoqa.reductions.nmf import Nmf
from unoqa.reductions.pca import BLOCK, MAX_DIRECT, Pca

every_reduction = pytest.mark.parametrize("name", REDUCTIONS.names())


def points(images=30, high=40, seed=0):
    random = np.random.default_rng(seed)
    return np.abs(random.normal(size=(images, 3)) @ random.normal(size=(3, high))) + 0.05 * random.random(
        (images, high)
    )


def fitted(name, given=None):
    return REDUCTIONS.load(name)().fit(points() if given is None else given, seed=0)


@every_reduction
def test_a_point_is_projected_alone_as_in_company_and_in_another_order(name):
    reduction, company = fitted(name), points(6, seed=1)
    together = reduction.project(company)
    alone = np.concatenate([reduction.project(point[None]) for point in company])
    assert np.array_equal(together, alone)
    assert np.array_equal(reduction.project(company[::-1].copy()), together[::-1])


@every_reduction
def test_a_restored_reduction_projects_bit_identically(name):
    reduction = fitted(name)
    state = safetensors.torch.load(safetensors.torch.save(reduction.state()))
    restored = REDUCTIONS.load(name)().restore(state)
    assert np.array_equal(restored.project(points(5, seed=1)), reduction.project(points(5, seed=1)))


@every_reduction
def test_the_same_seed_gives_the_same_reduction(name):
    first, second = fitted(name).state(), fitted(name).state()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


@every_reduction
def test_points_are_not_changed(name):
    given = points()
    fitted(name, given).project(given)
    assert np.array_equal(given, points())


@every_reduction
@pytest.mark.parametrize("shape", [(2, 40), (30, 1), (2, 1), (5, 3)])
def test_few_points_and_few_coordinates_are_enough(name, shape):
    given = points(*shape)
    low = fitted(name, given).project(given)
    assert low.shape[0] == shape[0]
    assert 1 <= low.shape[1] <= shape[1]
    assert np.isfinite(low).all()


@every_reduction
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_equal_points_stay_equal(name, value):
    given = np.full((6, 4), value)
    low = fitted(name, given).project(given)
    assert np.isfinite(low).all()
    assert np.ptp(low, axis=0).max() < 1e-9


@every_reduction
def test_points_may_have_single_precision(name):
    given = points().astype(np.float32)
    low, reference = fitted(name, given).project(given), fitted(name).project(points())
    assert low.shape == reference.shape
    assert np.isfinite(low).all()


@pytest.mark.parametrize("variance", [0.5, 0.95, 0.999])
def test_pca_equals_that_of_scikit_learn(variance):
    expected = PCA(variance, svd_solver="full").fit(points())
    ours = Pca(variance=variance).fit(points(), seed=0)
    np.testing.assert_allclose(ours.project(points(7, seed=1)), expected.transform(points(7, seed=1)), atol=1e-6)


@pytest.mark.parametrize("variance", [0.5, 0.95, 0.999])
def test_pca_of_a_large_cohort_equals_that_of_scikit_learn(variance, monkeypatch):
    monkeypatch.setattr(pca, "MAX_WHOLE", 0)
    monkeypatch.setattr(pca, "ROWS", 64)  # two blocks and a part of one
    given = points(150).astype(np.float16)
    expected = PCA(variance, svd_solver="full").fit(given.astype(np.float64))
    ours = Pca(variance=variance).fit(given, seed=0)
    np.testing.assert_allclose(ours.project(points(7, seed=1)), expected.transform(points(7, seed=1)), atol=1e-6)


def test_pca_of_a_large_cohort_of_equal_points_is_zero(monkeypatch):
    monkeypatch.setattr(pca, "MAX_WHOLE", 0)
    low = Pca().fit(np.full((30, 5), 0.25), seed=0).project(np.full((3, 5), 0.25))
    assert np.array_equal(low, np.zeros_like(low))


def test_pca_keeps_at_most_the_maximum_number_of_components():
    assert Pca(variance=0.999, max_components=2).fit(points(), seed=0).project(points()).shape == (30, 2)


def test_nmf_gives_shares_of_parts_that_make_up_the_point():
    random = np.random.default_rng(0)
    mixed = random.random((30, 3)) @ random.random((3, 40))
    reduction = Nmf(components=3).fit(mixed, seed=0)
    shares, parts = reduction.project(mixed), reduction.state()["parts"].numpy()
    assert shares.min() >= 0
    assert parts.min() >= 0
    np.testing.assert_allclose(shares @ parts, mixed, atol=0.03)


def test_nmf_reads_negative_coordinates_as_zero():
    reduction = fitted("nmf")
    mixed = points(4, seed=1) - 1
    assert np.array_equal(reduction.project(mixed), reduction.project(np.maximum(mixed, 0)))


def wide(images=12, rank=12, seed=0):
    """Return points with too many coordinates for scikit-learn, with falling variance along random directions."""
    random = np.random.default_rng(seed)
    return (random.normal(size=(images, rank)) * 0.7 ** np.arange(rank)) @ random.normal(
        size=(rank, MAX_DIRECT + 500)
    ) + 3


@pytest.mark.parametrize("variance", [0.5, 0.95])
def test_pca_of_wide_points_equals_that_of_scikit_learn(variance):
    expected, ours = PCA(variance, svd_solver="full").fit(wide()), Pca(variance=variance).fit(wide(), seed=0)
    theirs, projected = expected.transform(wide(seed=1)), ours.project(wide(seed=1))
    assert projected.shape == theirs.shape
    signs = np.sign((theirs * projected).sum(axis=0))
    np.testing.assert_allclose(projected * signs, theirs, atol=1e-4 * np.abs(theirs).max())
    assert MAX_DIRECT > BLOCK  # so these points are reduced in two blocks


def test_pca_of_wide_points_in_a_half_precision_file_equals_that_of_the_same_points_in_memory(tmp_path):
    given = wide().astype(np.float16)
    given.tofile(tmp_path / "points.raw")
    mapped = np.memmap(tmp_path / "points.raw", dtype=np.float16, mode="r").reshape(given.shape)
    from_file, from_memory = (Pca().fit(source, seed=0) for source in (mapped, given.astype(np.float64)))
    assert np.array_equal(from_file.project(mapped), from_memory.project(given.astype(np.float64)))
    assert from_file.state()["components"].dtype == torch.float32


@pytest.mark.parametrize(("images", "rank", "components"), [(12, 2, 2), (12, 1, 1), (2, 12, 1)])
def test_pca_of_wide_points_of_small_rank_has_few_components(images, rank, components):
    low = Pca(variance=0.999999).fit(wide(images, rank), seed=0).project(wide(images, rank))
    assert low.shape == (images, components)
    assert np.isfinite(low).all()


def test_pca_of_equal_wide_points_is_zero():
    equal = np.full((3, MAX_DIRECT + 1), 1.5)
    assert np.array_equal(Pca().fit(equal, seed=0).project(equal), np.zeros((3, 1)))


def test_restored_pca_of_wide_points_projects_each_point_alone_with_the_same_bits():
    reduction = Pca().fit(wide(), seed=0)
    restored = Pca().restore(safetensors.torch.load(safetensors.torch.save(reduction.state())))
    together = reduction.project(wide(4, seed=1))
    assert np.array_equal(restored.project(wide(4, seed=1)), together)
    assert np.array_equal(reduction.project(wide(4, seed=1)[2:3]), together[2:3])
