"""Every clustering splits points in two, in the same way each time, and can assign a new point."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import safetensors.torch
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.mixture import GaussianMixture

from unoqa.clusterings import CLUSTERINGS
from unoqa.clusterings.gmm import Gmm
from unoqa.clusterings.hierarchical import MAX_MERGED, Hierarchical
from unoqa.clusterings.kmeans import Kmeans
from unoqa.clusterings.parts.centroids import Centroids

SETTINGS = {
    **{name: CLUSTERINGS.load(name)() for name in CLUSTERINGS.names()},
    **{f"gmm-{covariance}": Gmm(covariance=covariance) for covariance in ("tied", "diag", "spherical")},
    **{f"hierarchical-{linkage}": Hierarchical(linkage=linkage) for linkage in ("complete", "average")},
}

every_clustering = pytest.mark.parametrize("clustering", SETTINGS.values(), ids=SETTINGS)


def blobs(apart=8.0, images=40, low=3, seed=0):
    """Return points around two centres, and which of the two each point belongs to."""
    random = np.random.default_rng(seed)
    side = random.permutation(np.arange(images) % 3 == 0).astype(int)
    return random.normal(size=(images, low)) + apart * side[:, None], side


def same_split(first, second):
    return np.array_equal(first, second) or np.array_equal(first, 1 - second)


@every_clustering
def test_two_separated_blobs_are_split_exactly(clustering):
    points, side = blobs()
    partition, assignment = clustering.fit(points, seed=0)
    assert same_split(assignment.cluster, side)
    new, new_side = blobs(seed=1)
    assert same_split(
        np.concatenate([assignment.cluster, partition.assign(new).cluster]), np.concatenate([side, new_side])
    )


@every_clustering
@pytest.mark.parametrize("low", [1, 3, 25])
def test_a_point_is_assigned_alone_as_in_company(clustering, low):
    points, _ = blobs(apart=2.0, images=80, low=low)
    partition, _ = clustering.fit(points, seed=0)
    together = partition.assign(points)
    for place, point in enumerate(points):
        alone = partition.assign(point[None])
        assert (alone.cluster[0], alone.margin[0]) == (together.cluster[place], together.margin[place])


@every_clustering
def test_the_same_seed_gives_the_same_split(clustering):
    points, _ = blobs(apart=1.0)
    first, second = (clustering.fit(points, seed=4)[1] for _ in range(2))
    assert np.array_equal(first.cluster, second.cluster)
    assert np.array_equal(first.margin, second.margin)


@every_clustering
@pytest.mark.parametrize("low", [1, 3, 25])
def test_a_restored_partition_assigns_bit_identically(clustering, low):
    points, _ = blobs(apart=2.0, images=80, low=low)
    partition, _ = clustering.fit(points, seed=0)
    restored = clustering.restore(safetensors.torch.load(safetensors.torch.save(partition.state())))
    first, second = partition.assign(points), restored.assign(points)
    assert np.array_equal(first.cluster, second.cluster)
    assert np.array_equal(first.margin, second.margin)


@every_clustering
@pytest.mark.parametrize("apart", [0.0, 1.0, 4.0, 1e6])
def test_margins_lie_between_0_and_1(clustering, apart):
    points, _ = blobs(apart=apart)
    partition, assignment = clustering.fit(points, seed=0)
    for found in (assignment, partition.assign(points * 100), partition.assign(points * 0)):
        assert set(found.cluster) <= {0, 1}
        assert 0 <= found.margin.min() <= found.margin.max() <= 1


@every_clustering
def test_a_point_between_the_clusters_has_a_smaller_margin(clustering):
    points, _ = blobs(apart=20.0)
    partition, _ = clustering.fit(points, seed=0)
    centroids = np.stack([np.zeros(3), np.full(3, 20.0)])
    between = [partition.assign(np.full((1, 3), place)).margin[0] for place in np.linspace(4, 16, 60)]
    assert min(between) < min(partition.assign(centroids).margin)


@every_clustering
@pytest.mark.parametrize("images", [2, 3, 12])
def test_equal_points_give_finite_margins(clustering, images):
    points = np.full((images, 2), 0.7)
    partition, assignment = clustering.fit(points, seed=0)
    for found in (assignment, partition.assign(points)):
        assert found.cluster.shape == (images,)
        assert np.isfinite(found.margin).all()


@every_clustering
def test_two_groups_of_equal_points_are_split(clustering):
    side = np.arange(10) % 2
    _, assignment = clustering.fit(np.repeat(side[:, None], 2, axis=1).astype(float), seed=0)
    assert same_split(assignment.cluster, side)


@every_clustering
def test_points_are_not_changed_and_may_have_single_precision(clustering):
    points, side = blobs()
    single = points.astype(np.float32)
    _, assignment = clustering.fit(single, seed=0)
    assert np.array_equal(single, points.astype(np.float32))
    assert same_split(assignment.cluster, side)


def test_the_margin_is_1_at_a_centroid_and_0_in_the_middle():
    partition = Centroids(np.array([[0.0, 0.0], [4.0, 0.0]]))
    found = partition.assign(np.array([[0.0, 0.0], [4.0, 3.0], [2.0, 5.0], [1.0, 0.0], [-9.0, 0.0]]))
    assert found.cluster.tolist() == [0, 1, 0, 0, 0]
    assert found.margin.tolist() == [1.0, 1.0, 0.0, 0.5, 1.0]


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_a_mixture_assigns_as_scikit_learn_does(covariance):
    points, _ = blobs(apart=2.0)
    theirs = GaussianMixture(2, covariance_type=covariance, max_iter=10_000, n_init=10, random_state=0).fit(points)
    partition, _ = Gmm(covariance=covariance).fit(points, seed=0)
    found, odds = partition.assign(points), theirs.predict_proba(points)
    assert np.array_equal(found.cluster, odds.argmax(axis=1))
    np.testing.assert_allclose(found.margin, np.abs(odds[:, 1] - odds[:, 0]), atol=1e-9)


@pytest.mark.parametrize("low", [1, 3, 25])
@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("offset", "unit"), [(0.0, 1.0), (1e7, 1.0), (0.7, 3e-8)])
def test_centroids_are_as_near_as_those_of_scikit_learn(apart, low, offset, unit):
    blob, _ = blobs(apart=apart, images=170, low=low)
    points = offset + unit * blob
    theirs = KMeans(2, n_init=10, tol=0.0, random_state=0).fit(points)
    partition, found = Kmeans().fit(points, seed=0)
    centroids = partition.state()["centroids"].numpy()
    assert np.square(points - centroids[found.cluster]).sum() <= 1.001 * theirs.inertia_


@pytest.mark.parametrize("linkage", ["ward", "complete", "average"])
@pytest.mark.parametrize("apart", [5.0, 8.0])
def test_a_large_cohort_is_split_as_if_all_of_it_were_merged(linkage, apart):
    points, _ = blobs(apart=apart, images=MAX_MERGED + 500)
    assert len(points) > MAX_MERGED
    whole = AgglomerativeClustering(2, linkage=linkage).fit_predict(points)
    partition, found = Hierarchical(linkage=linkage).fit(points, seed=0)
    equal = (found.cluster == whole).mean()
    assert max(equal, 1 - equal) >= 0.995
    assert np.array_equal(found.cluster, partition.assign(points).cluster)
    assert np.array_equal(found.cluster, Hierarchical(linkage=linkage).fit(points, seed=0)[1].cluster)


def test_up_to_the_bound_all_points_are_merged_whatever_the_seed():
    points, _ = blobs(apart=1.0, images=MAX_MERGED)
    first, second = (Hierarchical().fit(points, seed=seed)[1].cluster for seed in (0, 1))
    assert np.array_equal(first, second)
    assert same_split(first, AgglomerativeClustering(2).fit_predict(points))


@every_clustering
def test_memory_does_not_grow_with_the_square_of_the_images(clustering):
    points, side = blobs(images=20_000)
    tracemalloc.start()
    try:
        _, assignment = clustering.fit(points, seed=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400e6
    assert (assignment.cluster == side).mean() > 0.999 or (assignment.cluster != side).mean() > 0.999
