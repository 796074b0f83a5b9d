"""The parts of the reproduction: thresholds, cells, the published numbers, systems, tables and the report."""

from __future__ import annotations

import csv
import gc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score, precision_recall_curve, roc_auc_score

from unoqa.benchmark.reproduction.cells import Cell, CellKey, ScoredCohort, compute_aurocs
from unoqa.benchmark.reproduction.f1_threshold import find_f1_max_threshold
from unoqa.benchmark.reproduction.grid import CellCache, CellGrid
from unoqa.benchmark.reproduction.images import EncodedStudy, GradedSplit, format_grade_counts
from unoqa.benchmark.reproduction.learning import Learning, LearningStudy, score_images
from unoqa.benchmark.reproduction.published import CLUSTERINGS, TABLE_2, look_up_table_1
from unoqa.benchmark.reproduction.report import Report
from unoqa.benchmark.reproduction.results import ReproductionResults
from unoqa.benchmark.reproduction.run import list_encoders
from unoqa.benchmark.reproduction.score_tables import ScoreTables
from unoqa.benchmark.reproduction.scores import SplitScores, SystemScores, draw_chance_scores
from unoqa.benchmark.reproduction.systems import CHANCE, RECIPES, Effort, System, make_systems
from unoqa.benchmark.reproduction.tables import (
    DASH,
    SplitCells,
    Table,
    format_cells,
    format_mean_std,
    make_table_1,
    make_table_2,
)
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.grading import Grade
from unoqa.core.progress import NoProgress
from unoqa.encoders.timm import Timm
from unoqa.grader.panel import Member, Panel
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow

KEY = CellKey("all", "test", 0, "CFLOW", "maps", "pca", "hierarchical", "conformal")
PUBLISHED = [(system, reduction, name) for system in RECIPES for reduction in ("pca", "nmf") for name in CLUSTERINGS]
UNGRADABLE, GRADABLE, OUTSTANDING = (int(grade) for grade in Grade)


def cell(kappa=0.5, accuracy=0.7):
    return Cell(kappa, accuracy, 0.4, 0.6, 0.5, 0.1, 30)


def study(counts=(20, 15, 5), fitted=12, **more):
    """Return a study without files; `counts` are its ungradable, gradable and outstanding images, in random order."""
    grades = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], counts))
    graded = GradedSplit(tuple(f"t{place}" for place in range(len(grades))), grades)
    return EncodedStudy("all", tuple(f"f{place}" for place in range(fitted)), {"test": graded, **more}, ())


def cache_of(folder, cells=()):
    cache = CellCache(folder / "cells.jsonl")
    for key, one in cells:
        cache.add(key, "inputs", one)
    return cache


def split_cells(cells, seeds=1):
    return SplitCells(dict(cells), "all", "test", tuple(range(seeds)))


# The F1-max threshold


def f1(poor, refused):
    return 2 * (poor & refused).sum() / (poor.sum() + refused.sum())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40), st.integers(0, 9))
def test_the_threshold_of_the_paper_is_scikit_learns_best_f1(pairs, score):
    scores, poor = (np.array(part) for part in zip(*pairs, (score, True), strict=True))
    precision, recall, _ = precision_recall_curve(poor, scores)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    refused = scores > find_f1_max_threshold(scores.astype(float), poor)
    assert f1(poor, refused) == pytest.approx(best)
    equally_good = [scores > limit for limit in range(-1, 9) if f1(poor, scores > limit) == f1(poor, refused)]
    assert refused.sum() == min(one.sum() for one in equally_good)


def test_of_equally_good_thresholds_the_one_that_refuses_fewest_is_returned():
    poor = np.array([True, False, True])
    assert find_f1_max_threshold(np.array([3.0, 2.0, 1.0]), np.array([True, False, False])) == 2.0
    assert find_f1_max_threshold(np.array([3.0, 2.0, 1.0]), poor) < 1.0  # all: F1 4/5, against 2/3
    assert (
        find_f1_max_threshold(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, False, True])) == 3.0
    )  # 2/3 like all


# The published numbers


@pytest.mark.parametrize(
    ("system", "reduction", "clustering", "external", "numbers"),
    [
        ("PaDiM", "pca", "kmeans", False, (13.74, 49.27)),
        ("PatchCore", "nmf", "hierarchical", False, (15.68, 49.17)),
        ("FastFlow", "nmf", "gmm", False, (43.18, 67.42)),
        ("CFLOW", "pca", "hierarchical", False, (53.29, 72.61)),
        ("CFLOW", "nmf", "kmeans", False, (52.47, 71.97)),
        ("PaDiM", "nmf", "gmm", True, (19.00, 46.00)),
        ("FastFlow", "pca", "hierarchical", True, (31.50, 54.33)),
        ("CFLOW", "nmf", "hierarchical", True, (48.50, 65.67)),
    ],
)
def test_a_published_cell_is_the_papers(system, reduction, clustering, external, numbers):
    assert look_up_table_1(system, reduction, clustering, external=external) == numbers


@pytest.mark.parametrize(("system", "reduction", "clustering"), PUBLISHED)
def test_on_the_balanced_external_set_kappa_follows_from_accuracy(system, reduction, clustering):
    """With 100 images per grade, a third agrees by chance, whatever the grades: κ = (acc - 1/3) / (2/3)."""
    kappa, accuracy = look_up_table_1(system, reduction, clustering, external=True)
    assert kappa == pytest.approx((3 * accuracy - 100) / 2, abs=0.0125)


def test_the_last_row_of_the_papers_ablation_is_the_best_cell_of_its_first_table():
    assert TABLE_2["F_multi + FDR"] == look_up_table_1("CFLOW", "pca", "hierarchical", external=False)
    assert [TABLE_2[name] for name in ("F_QS", "F_single + FDR", "F_multi")] == [
        (8.05, 46.78),
        (11.18, 48.06),
        (50.04, 70.66),
    ]


def test_a_cell_that_the_paper_does_not_have_is_none():
    assert look_up_table_1("NIQE", "none", "kmeans", external=False) is None
    assert look_up_table_1("CFLOW", "none", "kmeans", external=True) is None


# Cells


def cohort(scores, grades, threshold=1.0):
    return ScoredCohort(np.array(grades), np.array(scores, dtype=float), threshold, 1.0)


def two_clusters(each=12):
    """Return scores and points of two images that are not refused and of two distant clusters, the second one worse."""
    scores = [0.0, 0.5, *np.linspace(2, 3, each), *np.linspace(7, 8, each)]
    points = np.repeat([[0.0], [50.0]], each, axis=0) + np.linspace(0, 1, 2 * each)[:, None]
    return scores, points


@pytest.mark.parametrize("clustering", CLUSTERINGS)
def test_the_cluster_with_the_higher_mean_score_is_ungradable_whatever_the_labels(clustering):
    scores, points = two_clusters()
    right = [OUTSTANDING] * 2 + [GRADABLE] * 12 + [UNGRADABLE] * 12
    swapped = [OUTSTANDING] * 2 + [UNGRADABLE] * 12 + [GRADABLE] * 12
    good = cohort(scores, right).make_cell(points, clustering, 0)
    bad = cohort(scores, swapped).make_cell(points, clustering, 0)
    assert (good.kappa, good.accuracy, good.best_naming_kappa, good.clustered) == (1.0, 1.0, 1.0, 24)
    assert bad.kappa < 0 < bad.best_naming_kappa == 1.0
    assert bad.kappa == pytest.approx(cohen_kappa_score(swapped, right))


def test_fewer_than_ten_refused_images_are_graded_gradable_without_clustering():
    scores, grades = np.arange(12.0), np.array([2] * 4 + [1] * 4 + [0] * 4)
    few = cohort(scores, grades, threshold=2.5)
    found = few.make_cell(few.reduce(scores[:, None], "pca", 0), "kmeans", 0)
    assert found.clustered == 0
    assert found.accuracy == pytest.approx(7 / 12)
    assert found.refused == pytest.approx(1 / 4)
    assert found.kappa == pytest.approx(cohen_kappa_score(grades, np.where(scores > 2.5, 1, 2)))


def test_weighted_kappa_is_scikit_learns():
    scores, points = two_clusters()
    predicted = [OUTSTANDING] * 2 + [GRADABLE] * 12 + [UNGRADABLE] * 12
    grades = np.random.default_rng(0).permutation(predicted)
    found = cohort(scores, grades).make_cell(points, "kmeans", 0)
    assert found.quadratic_kappa == pytest.approx(cohen_kappa_score(grades, predicted, weights="quadratic"))


def test_points_in_a_file_are_reduced_as_those_in_memory(tmp_path):
    points = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float16)
    points.tofile(tmp_path / "points.raw")
    mapped = np.memmap(tmp_path / "points.raw", dtype=np.float16, mode="r").reshape(30, -1)
    images = cohort(np.arange(30), [0] * 30, threshold=9.5)
    assert np.array_equal(images.reduce(mapped, "pca", 0), images.reduce(points, "pca", 0))
    assert [path.name for path in tmp_path.iterdir()] == ["points.raw"]


def test_the_aurocs_are_scikit_learns():
    random = np.random.default_rng(0)
    grades, scores = random.integers(0, 3, 60), random.integers(0, 9, 60).astype(float)
    expected = roc_auc_score(grades != OUTSTANDING, scores), roc_auc_score(grades == UNGRADABLE, scores)
    assert compute_aurocs(grades, scores) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_chance_agrees_with_no_reference(seed, tmp_path):
    drawn = study((1374, 1179, 412), fitted=961)
    cache = cache_of(tmp_path)
    CellGrid(CHANCE, drawn, seed, drawn.key).fill(draw_chance_scores(drawn, seed), cache)
    assert len(cache.cells) == 6
    assert max(abs(cell.kappa) for cell in cache.cells.values()) < 0.06
    assert format_grade_counts(drawn.splits["test"]) == "412 / 1179 / 1374"


# The cache of cells


def test_a_line_cut_short_is_dropped_and_the_others_stay(tmp_path):
    keys = [KEY, CellKey(*(*vars(KEY).values(),)[:-1], "f1-max")]
    path = tmp_path / "cells.jsonl"
    cache_of(tmp_path, [(key, cell()) for key in keys])
    path.write_bytes(path.read_bytes()[:-20])
    again = CellCache(path)
    assert (again.find(KEY, "inputs"), again.find(keys[1], "inputs")) == (cell(), None)
    again.add(keys[1], "inputs", cell(0.1))
    assert CellCache(path).find(keys[1], "inputs") == cell(0.1)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("damage", [b"\n", b"\0\0\0\0\n", b"\xff\n", b"{x\n", b"[]\n", b'{"key": [1], "cell": {}}\n'])
def test_only_the_damaged_line_is_dropped(damage, tmp_path):
    path = tmp_path / "cells.jsonl"
    keys = [KEY, CellKey(*(*vars(KEY).values(),)[:-1], "f1-max")]
    cache_of(tmp_path, [(key, cell()) for key in keys])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + second)
    assert [CellCache(path).find(key, "inputs") for key in keys] == [cell(), cell()]
    assert path.read_bytes() == first + second


def test_a_cell_computed_from_other_inputs_is_another_cell(tmp_path):
    cache_of(tmp_path, [(KEY, cell())])
    again = CellCache(tmp_path / "cells.jsonl")
    assert again.find(KEY, "other inputs") is None
    assert again.cells == {}
    assert again.find(KEY, "inputs") == cell()
    assert again.cells == {KEY: cell()}


def test_other_grades_of_the_same_images_make_another_study():
    assert study().key == study().key
    assert study((20, 14, 6)).key != study().key
    assert study(external=study().splits["test"]).key != study().key


def test_a_cached_cell_is_not_computed_again(tmp_path):
    cache, drawn = cache_of(tmp_path), study()
    CellGrid(CHANCE, drawn, 0, "inputs").fill(draw_chance_scores(drawn, 0), cache)
    before = (tmp_path / "cells.jsonl").read_bytes()
    again = CellCache(tmp_path / "cells.jsonl")
    CellGrid(CHANCE, drawn, 0, "inputs").fill(draw_chance_scores(drawn, 0), again)
    assert (tmp_path / "cells.jsonl").read_bytes() == before
    assert again.cells == cache.cells


def test_the_ablated_system_has_a_cell_for_each_part_and_validation_only_gives_a_threshold(tmp_path):
    random = np.random.default_rng(0)
    drawn = study(validation=study().splits["test"])
    split = SplitScores(random.random(40), (random.random((40, 9)), random.random((40, 4))))
    cache = cache_of(tmp_path)
    scores = SystemScores(random.random(12), {"test": split, "validation": split}, (0.0, 0.0))
    CellGrid(System("CFLOW", Panel(()), clusters_maps=True), drawn, 0, "inputs").fill(scores, cache)
    points = {(key.points, key.reduction) for key in cache.cells if key.clustering == "hierarchical"}
    single = {(points, reduction) for points in ("map 0", "map 1") for reduction in ("none", "pca")}
    assert points == single | {("score", "none"), ("maps", "none"), ("maps", "pca"), ("maps", "nmf")}
    assert {key.threshold for key in cache.cells} == {"conformal", "f1-max", "f1-max on validation"}
    assert {key.split for key in cache.cells} == {"test"}


# Systems


def systems_of(layers, model="resnet18.tv_in1k", **effort):
    return make_systems(Timm(model=model, layers=layers), [f"layer{layer}" for layer in layers], Effort(**effort))


def test_every_row_of_the_paper_and_every_method_without_training_is_a_system():
    systems, notes = systems_of((1, 2, 3, 4))
    papers = ["PaDiM", "PatchCore", "FastFlow", "CFLOW"]
    assert [system.name for system in systems if system.clusters_maps] == papers
    assert [system.name for system in systems if not system.clusters_maps] == [
        "NIQE",
        "vessel structure",
        "`measures` panel",
        "`default` panel",
    ]
    assert notes == ()
    scales = {system.name: system.panel.members[0].module.scales for system in systems[:4]}
    assert scales.pop("PaDiM") == ("layer1", "layer2", "layer3")
    assert set(scales.values()) == {("layer2", "layer3")}
    assert {system.panel.final for system in systems} == {"folds"}


def test_supervised_references_use_features_without_rms_norm():
    encoder = Timm(model="resnet18.tv_in1k", layers=(1, 2, 3, 4))
    systems, _ = systems_of(encoder.layers)
    used = list_encoders(systems, encoder, supervised=False)
    assert encoder not in used
    assert list_encoders(systems, encoder, supervised=True) == [*used, encoder]


def test_layers_that_the_weights_file_lacks_are_left_out_and_named():
    systems, notes = systems_of((1, 2, 3), "wide_resnet50_2.tv_in1k")
    assert notes == ("CFLOW: layer 4 is left out; the weights file lacks it.",)
    assert {system.name: system.panel.members[0].module.scales for system in systems[:4]} == {
        "PaDiM": ("layer1", "layer2", "layer3"),
        "PatchCore": ("layer2", "layer3"),
        "FastFlow": ("layer1", "layer2", "layer3"),
        "CFLOW": ("layer2", "layer3"),
    }


def test_a_system_without_any_of_its_layers_is_left_out():
    systems, notes = systems_of((1,), "wide_resnet50_2.tv_in1k")
    assert [system.name for system in systems if system.clusters_maps] == ["PaDiM", "FastFlow"]
    assert notes == (
        "PaDiM: layers 2, 3 are left out; the weights file lacks them.",
        "PatchCore is left out; the weights file lacks layers 2, 3.",
        "FastFlow: layers 2, 3 are left out; the weights file lacks them.",
        "CFLOW is left out; the weights file lacks layers 2, 3, 4.",
    )


def test_the_panels_of_the_product_are_compared_as_they_are():
    systems, _ = systems_of((1,), "wide_resnet50_2.tv_in1k")
    assert [system.panel for system in systems[-2:]] == [Recipe.named(name).panel for name in ("measures", "default")]


@pytest.mark.parametrize(
    ("model", "most"), [("wide_resnet50_2.tv_in1k", (4, 40_000)), ("resnet18.tv_in1k", (1, 25_000))]
)
def test_a_quick_look_shortens_long_trainings_of_flows_uses_them_up_and_changes_nothing_else(model, most):
    slow, quick = systems_of((2, 3), model)[0], systems_of((2, 3), model, quick=True)[0]
    assert [one.name for one, other in zip(slow, quick, strict=True) if one != other] == ["FastFlow", "CFLOW"]
    fastflow, cflow = (system.panel for system in quick if system.name in ("FastFlow", "CFLOW"))
    assert (fastflow.members[0].module.epochs, cflow.members[0].module.fibres) == most
    assert {panel.folds for panel in (fastflow, cflow)} == {2}
    assert {panel.members[0].module.patience for panel in (fastflow, cflow)} == {0}


def test_training_as_published_has_the_originals_settings_on_the_encoder_given():
    systems = {system.name: system for system in systems_of((1, 2, 3, 4), training="published", share=0.1)[0]}
    papers = [f"{name}, as published" for name in RECIPES]
    assert list(systems)[:4] == papers
    assert {systems[name].panel.final for name in papers} == {"held-out"}
    padim, patchcore, fastflow, cflow = (systems[name].panel.members[0] for name in papers)
    assert (padim.module.channels, padim.module.form, patchcore.module.ratio) == (100, "published", 0.1)
    assert (fastflow.module.start, fastflow.module.epochs) == ("layer-norm", 50)
    assert (cflow.module.start, cflow.module.epochs, cflow.module.scales) == (
        "random",
        20,
        ("layer2", "layer3", "layer4"),
    )
    assert {member.encoder.rms_norm for member in (padim, patchcore, fastflow, cflow)} == {0}


def test_both_trainings_stand_side_by_side():
    names = [system.name for system in systems_of((1, 2, 3, 4), training="both")[0]]
    assert names[:8] == [row for name in RECIPES for row in (name, f"{name}, as published")]


@pytest.mark.parametrize(("images", "folds"), [(18, 2), (30, 3), (45, 5), (961, 5)])
def test_as_many_images_are_held_out_as_a_threshold_needs(images, folds):
    (system, *_), _ = systems_of((1, 2, 3, 4), training="published")
    assert system.fit_to(images).panel.folds == folds


# What a flow learned


def banana(images, seed):
    """Draw fibres (x, x² + 0.5 e), which no Gaussian fits; channels × 8 × 8."""
    x, e = np.random.default_rng(seed).normal(size=(2, images, 8, 8))
    values = np.stack([x, x**2 + 0.5 * e], axis=1).astype(np.float32)
    return FeatureSet((Scale("grid", ("x", "y")),), (values,), np.arange(images), torch.device("cpu"))


def learn(module, folds=2):
    """Return what a flow learned from 24 images, with 16 others as the test set."""
    panel = Panel((Member(Timm(), module),), "sum", folds=folds)
    fit, test = banana(24, 0), banana(16, 1)
    fitted, _ = panel.fit([fit], seed=0)
    learning = LearningStudy(panel, fit, test, np.arange(10), 0).observe(fitted, NoProgress())
    return learning, np.array([fitted.predict([pyramid]).score for pyramid in test.batches(1)])


def test_the_features_of_one_image_are_held_at_a_time():
    held = []

    def watch(images):
        for image in images:
            yield image
            held.append(sum(type(one) is FeaturePyramid for one in gc.get_objects()))

    panel = Panel((Member(Timm(), Cflow(neighbourhood=1, blocks=1, fibres=1_000, batch=256)),), "sum", folds=2)
    fitted, _ = panel.fit([banana(24, 0)], seed=0)
    scores = score_images(fitted, watch(banana(16, 1).batches(1)))
    assert scores.shape == (2, 16)
    assert max(held) == held[0]


def test_a_flow_that_learned_has_a_lower_loss_than_the_gaussian_that_it_began_as():
    module = Cflow(neighbourhood=1, blocks=4, fibres=20_000, batch=256, learning_rate=0.03, patience=0)
    learning, scores = learn(module)
    start, end, gaussian = learning.mean_losses(np.ones(16, dtype=bool))
    assert start == gaussian
    assert end < gaussian - 0.1
    assert learning.passes.tolist() == pytest.approx([26.04] * 3, abs=0.1)  # 20,000 of 12 · 64 fibres
    assert spearmanr(scores, learning.gaussian_scores[0]).statistic < 0.99


def test_a_flow_that_learned_nothing_has_the_gaussians_loss_and_ranking():
    learning, scores = learn(Fastflow(blocks=2, epochs=1, learning_rate=1e-12, patience=0))
    start, end, gaussian = learning.mean_losses(np.ones(16, dtype=bool))
    assert start == gaussian == pytest.approx(end, abs=1e-5)
    assert spearmanr(scores, learning.gaussian_scores[0]).statistic == pytest.approx(1)


def test_a_random_start_is_worse_than_the_gaussian_and_a_layer_norm_does_not_compare_with_it():
    module = Fastflow(blocks=2, epochs=1, patience=0)
    start, _, gaussian = learn(replace(module, start="random"))[0].mean_losses(np.ones(16, dtype=bool))
    assert start > gaussian
    *numbers, nothing = learn(replace(module, start="layer-norm"))[0].mean_losses(np.ones(16, dtype=bool))
    assert np.isfinite(numbers).all()
    assert np.isnan(nothing)


def test_only_images_that_are_outstanding_by_todays_labels_count():
    learning = Learning(np.ones(3), np.array([1, 4]), np.array([[1.0, 2, 3], [5, 6, 7]]), np.zeros((2, 6)))
    outstanding = np.zeros(6, dtype=bool)
    assert np.isnan(learning.mean_losses(outstanding)).all()
    outstanding[[0, 4]] = True
    assert learning.mean_losses(outstanding) == (5, 6, 7)
    assert Learning.of_arrays({}) is None
    again = Learning.of_arrays(learning.arrays())
    assert np.array_equal(again.losses, learning.losses)


def add(tables, name, scores, learning=None):
    split = SplitScores(np.array(scores, dtype=float), (np.array(scores, dtype=float)[:, None],))
    tables.add(name, study(), SystemScores(np.arange(12.0), {"test": split}, (1.0, 0.1), learning=learning))


def test_rows_that_rank_alike_are_marked_with_the_row_that_they_equal(tmp_path):
    random = np.random.default_rng(0)
    first, other = random.random(40), random.random(40)
    scores = ScoreTables()
    gaussian = np.stack([first**3, other])
    learning = Learning(np.array([8.0, 4.0, 0.5]), np.arange(40), np.ones((40, 3)), gaussian)
    add(scores, "FastFlow", first)
    add(scores, "NIQE", other)
    add(scores, "CFLOW", np.exp(first), learning)
    assert scores.find_equals("all") == {"CFLOW": ("FastFlow", pytest.approx(1))}
    rows = {row[0]: row for row in scores.make_table("all").rows}
    assert [rows[name][4] for name in ("FastFlow", "NIQE", "CFLOW")] == [DASH, DASH, "FastFlow (1.000) ‡"]
    learned = scores.make_learning_table("all").rows
    assert [row[:2] for row in learned] == [("CFLOW", "score"), ("CFLOW", "mean of the maps")]
    assert learned[0][2:6] == ("0.5 / 4.0 / 8.0", "1.000 → 1.000", "1.000", "1.000 ‡")
    assert learned[0][6].endswith("= +0.000 (+0.000 to +0.000)")
    assert "‡" not in learned[1][5]
    table = make_table_1(split_cells({KEY: cell()}), [("CFLOW", "maps", "pca")], "5 / 15 / 20", {"CFLOW"})
    assert table.rows[0][0] == "CFLOW ‡"
    assert "‡ The score ranks the images as another row's does" in table.caption


# Tables


def test_copies_of_other_images_can_be_left_out():
    test = GradedSplit(("a", "b", "c"), np.array([2, 1, 0]))
    kept = test.exclude(("b", "z"))
    assert kept.digests == ("a", "c")
    assert kept.grades.tolist() == [2, 0]


def test_unknown_seconds_are_left_out():
    assert format_mean_std([2.0, np.nan, 4.0], scale=1.0) == "3.0 ± 1.4"
    assert format_mean_std([np.nan], scale=1.0) == "–"


def test_a_number_is_a_mean_with_its_standard_deviation():
    assert format_mean_std([0.5]) == "50.0"
    assert format_mean_std([0.5, 0.7]) == "60.0 ± 14.1"
    assert format_mean_std([0.912, 0.934], scale=1.0, digits=3) == "0.923 ± 0.016"
    assert format_cells([cell(-0.05, 0.4), cell(0.05, 0.5)]) == "0.0 ± 7.1 / 45.0 ± 7.1"
    assert format_cells([]) == DASH


def test_a_missing_seed_is_a_dash():
    cells = {KEY: cell(), **{CellKey(**{**vars(KEY), "seed": seed, "reduction": "nmf"}): cell() for seed in (0, 1)}}
    table = make_table_1(
        split_cells(cells, seeds=2),
        [("CFLOW", "maps", "pca"), ("CFLOW", "maps", "nmf")],
        "fitted on 9; tested: 5 / 15 / 20",
    )
    column = table.head.index("Hierarchy: conformal")
    assert [row[column] for row in table.rows] == [DASH, "50.0 ± 0.0 / 70.0 ± 0.0"]
    assert table.caption.startswith(
        "Kappa / accuracy in per cent, mean ± standard deviation of 2 seeds; fitted on 9; tested: 5 / 15 / 20 "
    )


def test_the_first_table_shows_the_published_numbers_beside_ours():
    table = make_table_1(
        split_cells({KEY: cell()}), [("CFLOW", "maps", "pca"), ("NIQE", "score", "none")], "5 / 15 / 20"
    )
    row = dict(zip(table.head, table.rows[0], strict=True))
    assert (row["Hierarchy: paper"], row["Hierarchy: F1-max*"], row["Hierarchy: conformal"]) == (
        "53.29 / 72.61",
        DASH,
        "50.0 / 70.0",
    )
    assert (row["low-quality module"], row["F_L"]) == ("CFLOW", "PCA")
    assert table.rows[1][:3] == ("NIQE", "score", DASH)


def test_the_second_table_marks_the_scale_that_is_best_by_the_labels():
    single = {
        CellKey(**{**vars(KEY), "points": f"map {number}", "reduction": "none"}): cell(kappa)
        for number, kappa in enumerate((0.1, 0.4, 0.2))
    }
    table = make_table_2(split_cells({KEY: cell(), **single}), "CFLOW", 3)
    assert table.rows == (
        ("F_QS", "8.05 / 46.78", DASH, DASH),
        ("F_single", "10.34 / 47.72", DASH, "40.0 / 70.0 †"),
        ("F_single + FDR", "11.18 / 48.06", DASH, DASH),
        ("F_multi", "50.04 / 70.66", DASH, DASH),
        ("F_multi + FDR", "53.29 / 72.61", DASH, "50.0 / 70.0"),
    )
    assert "† The best single scale is chosen with labels" in table.caption


def test_the_majority_class_has_its_share_as_accuracy_and_no_kappa(tmp_path):
    results = ReproductionResults(cache_of(tmp_path), studies={"all": [study((20, 15, 5)), study((30, 5, 5))]})
    first, scores = results.make_tables((), 2)
    text = "0.0 ± 0.0 / 62.5 ± 17.7"
    assert first.rows[-1] == ("majority class", DASH, *(DASH, text, text) * 3)
    assert first.rows[0] == ("chance", "score", *(DASH,) * 9)
    assert scores.rows == ()


def test_validation_images_are_in_no_table(tmp_path):
    encoded = study(external=study((5, 5, 5)).splits["test"], validation=study().splits["test"])
    results = ReproductionResults(cache_of(tmp_path), studies={"all": [encoded]})
    titles = [table.title for table in results.make_tables((), 1)]
    assert titles == ["Table 1: all, test set", "Table 1: all, external set", "Scores: all"]


# The report


def report():
    table = Table("Table 1: <script>", "All & more.", ("module", "kappa"), (("a|b", "50.0 ± 1.0"), ("<script>x", "–")))
    return Report((("data set", "<b>mine</b>"),), (table,), ("One note.",))


def test_bars_in_cells_are_escaped_in_markdown():
    assert report().to_markdown().splitlines()[4:12] == [
        "## Table 1: <script>",
        "",
        "All & more.",
        "",
        "| module | kappa |",
        "| --- | --- |",
        "| a\\|b | 50.0 ± 1.0 |",
        "| <script>x | – |",
    ]
    assert report().to_markdown().endswith("\n## Notes\n\n* One note.\n")


def test_the_html_page_is_escaped_and_fetches_nothing():
    page = report().to_html()
    assert "<script" not in page
    assert "<b>" not in page
    assert "<td>50.0 ± 1.0</td>" in page
    assert '<th scope="row">&lt;script&gt;x</th>' in page
    assert "http" not in page


def test_the_csv_has_one_row_per_cell(tmp_path):
    cells = {CellKey(**{**vars(KEY), "seed": seed}): cell(seed / 10) for seed in range(3)}
    report().write(tmp_path, cells)
    with (tmp_path / "reproduction.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["kappa"], row["clustered"]) for row in rows] == [
        ("0", "0.0", "30"),
        ("1", "0.1", "30"),
        ("2", "0.2", "30"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"reproduction.{end}" for end in ("csv", "html", "json", "md")
    ]
