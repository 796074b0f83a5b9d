"""The parts of the reproduction: gates, cells, the published numbers, tables and pages."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, precision_recall_curve, roc_auc_score

from unoqa.benchmark.reproduction.cells import Cell, Cohort, Key, ranking
from unoqa.benchmark.reproduction.evidence import Evidence, Said, chance
from unoqa.benchmark.reproduction.findings import Findings
from unoqa.benchmark.reproduction.gates import f1_max
from unoqa.benchmark.reproduction.grid import Grid, KnownCells
from unoqa.benchmark.reproduction.images import Graded, ReadStudy, mix
from unoqa.benchmark.reproduction.pages import Pages
from unoqa.benchmark.reproduction.published import CLUSTERINGS, TABLE_2, table_1
from unoqa.benchmark.reproduction.report import tables_of
from unoqa.benchmark.reproduction.run import encoders_of
from unoqa.benchmark.reproduction.systems import CHANCE, RECIPES, System, systems
from unoqa.benchmark.reproduction.tables import NONE, Measured, Table, both, first_table, second_table, spread
from unoqa.core.grading import Grade
from unoqa.encoders.timm import Timm
from unoqa.grader.cohort import Gate
from unoqa.grader.panel import Panel

KEY = Key("all", "test", 0, "CFLOW", "maps", "pca", "hierarchical", "conformal")
PUBLISHED = [(system, reduction, one) for system in RECIPES for reduction in ("pca", "nmf") for one in CLUSTERINGS]
UNGRADABLE, GRADABLE, OUTSTANDING = (int(grade) for grade in Grade)


def cell(kappa=0.5, accuracy=0.7):
    return Cell(kappa, accuracy, 0.4, 0.6, 0.5, 0.1, 30)


def study(counts=(20, 15, 5), fitted=12, **more):
    """Return a study of so many ungradable, gradable and outstanding images, mixed, that no file stands for."""
    grades = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], counts))
    graded = Graded(tuple(f"t{place}" for place in range(len(grades))), grades)
    return ReadStudy("all", tuple(f"f{place}" for place in range(fitted)), {"test": graded, **more}, ())


def known(folder, cells=()):
    found = KnownCells(folder / "cells.jsonl")
    for key, one in cells:
        found.add(key, "origin", one)
    return found


def measured(cells, seeds=1):
    return Measured(dict(cells), "all", "test", tuple(range(seeds)))


# Gates


def f1(poor, refused):
    return 2 * (poor & refused).sum() / (poor.sum() + refused.sum())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40), st.integers(0, 9))
def test_the_threshold_of_the_paper_is_scikit_learns_best_f1(pairs, score):
    scores, poor = (np.array(part) for part in zip(*pairs, (score, True), strict=True))
    precision, recall, _ = precision_recall_curve(poor, scores)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    refused = scores > f1_max(scores.astype(float), poor)
    assert f1(poor, refused) == pytest.approx(best)
    equally_good = [scores > limit for limit in range(-1, 9) if f1(poor, scores > limit) == f1(poor, refused)]
    assert refused.sum() == min(one.sum() for one in equally_good)


def test_of_equally_good_thresholds_the_one_that_refuses_fewest_is_taken():
    poor = np.array([True, False, True])
    assert f1_max(np.array([3.0, 2.0, 1.0]), np.array([True, False, False])) == 2.0
    assert f1_max(np.array([3.0, 2.0, 1.0]), poor) < 1.0  # all: F1 4/5, against 2/3
    assert f1_max(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, False, True])) == 3.0  # 2/3 like all


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
    assert table_1(system, reduction, clustering, external=external) == numbers


@pytest.mark.parametrize(("system", "reduction", "clustering"), PUBLISHED)
def test_on_the_balanced_external_set_kappa_follows_from_accuracy(system, reduction, clustering):
    """Of 100 images a grade, a third agrees by chance, whatever is given: κ = (acc - 1/3) / (2/3)."""
    kappa, accuracy = table_1(system, reduction, clustering, external=True)
    assert kappa == pytest.approx((3 * accuracy - 100) / 2, abs=0.0125)


def test_the_papers_ablation_ends_in_the_best_cell_of_its_first_table():
    assert TABLE_2["F_multi + FDR"] == table_1("CFLOW", "pca", "hierarchical", external=False)
    assert [TABLE_2[name] for name in ("F_QS", "F_single + FDR", "F_multi")] == [
        (8.05, 46.78),
        (11.18, 48.06),
        (50.04, 70.66),
    ]


def test_what_the_paper_has_not_is_not_published():
    assert table_1("NIQE", "none", "kmeans", external=False) is None
    assert table_1("CFLOW", "none", "kmeans", external=True) is None


# Cells


def cohort(scores, grades, threshold=1.0):
    return Cohort(np.array(grades), np.array(scores, dtype=float), Gate(threshold, 1.0))


def two_clusters(each=12):
    """Return refused images in two far groups of which the second scores higher, and two that are not refused."""
    scores = [0.0, 0.5, *np.linspace(2, 3, each), *np.linspace(7, 8, each)]
    points = np.repeat([[0.0], [50.0]], each, axis=0) + np.linspace(0, 1, 2 * each)[:, None]
    return scores, points


@pytest.mark.parametrize("clustering", CLUSTERINGS)
def test_the_cluster_with_the_higher_mean_score_is_called_ungradable_whatever_the_labels_say(clustering):
    scores, points = two_clusters()
    right = [OUTSTANDING] * 2 + [GRADABLE] * 12 + [UNGRADABLE] * 12
    swapped = [OUTSTANDING] * 2 + [UNGRADABLE] * 12 + [GRADABLE] * 12
    good = cohort(scores, right).cell(points, clustering, 0)
    bad = cohort(scores, swapped).cell(points, clustering, 0)
    assert (good.kappa, good.accuracy, good.renamed_kappa, good.clustered) == (1.0, 1.0, 1.0, 24)
    assert bad.kappa < 0 < bad.renamed_kappa == 1.0
    assert bad.kappa == pytest.approx(cohen_kappa_score(swapped, right))


def test_fewer_than_ten_refused_images_are_gradable_and_clustered_by_nothing():
    scores, grades = np.arange(12.0), np.array([2] * 4 + [1] * 4 + [0] * 4)
    one = cohort(scores, grades, threshold=2.5)
    found = one.cell(one.reduced(scores[:, None], "pca", 0), "kmeans", 0)
    assert found.clustered == 0
    assert found.accuracy == pytest.approx(7 / 12)
    assert found.refused == pytest.approx(1 / 4)
    assert found.kappa == pytest.approx(cohen_kappa_score(grades, np.where(scores > 2.5, 1, 2)))


def test_weighted_kappa_is_scikit_learns():
    scores, points = two_clusters()
    given = [OUTSTANDING] * 2 + [GRADABLE] * 12 + [UNGRADABLE] * 12
    grades = np.random.default_rng(0).permutation(given)
    found = cohort(scores, grades).cell(points, "kmeans", 0)
    assert found.quadratic_kappa == pytest.approx(cohen_kappa_score(grades, given, weights="quadratic"))


def test_points_in_a_file_are_reduced_as_those_in_memory(tmp_path):
    points = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float16)
    points.tofile(tmp_path / "points.raw")
    mapped = np.memmap(tmp_path / "points.raw", dtype=np.float16, mode="r").reshape(30, -1)
    one = cohort(np.arange(30), [0] * 30, threshold=9.5)
    assert np.array_equal(one.reduced(mapped, "pca", 0), one.reduced(points, "pca", 0))
    assert [path.name for path in tmp_path.iterdir()] == ["points.raw"]


def test_the_areas_of_a_ranking_are_scikit_learns():
    random = np.random.default_rng(0)
    grades, scores = random.integers(0, 3, 60), random.integers(0, 9, 60).astype(float)
    expected = roc_auc_score(grades != OUTSTANDING, scores), roc_auc_score(grades == UNGRADABLE, scores)
    assert ranking(grades, scores) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_chance_agrees_with_no_reference(seed, tmp_path):
    drawn = study((1374, 1179, 412), fitted=961)
    found = known(tmp_path)
    Grid(CHANCE, drawn, seed, drawn.key).fill(chance(drawn, seed), found)
    assert len(found.cells) == 6
    assert max(abs(one.kappa) for one in found.cells.values()) < 0.06
    assert mix(drawn.splits["test"]) == "412 / 1179 / 1374"


# Cells that are known


def test_a_line_cut_short_is_lost_and_spoils_no_other(tmp_path):
    keys = [KEY, Key(*(*vars(KEY).values(),)[:-1], "f1-max")]
    path = tmp_path / "cells.jsonl"
    known(tmp_path, [(key, cell()) for key in keys])
    path.write_bytes(path.read_bytes()[:-20])
    again = KnownCells(path)
    assert (again.find(KEY, "origin"), again.find(keys[1], "origin")) == (cell(), None)
    again.add(keys[1], "origin", cell(0.1))
    assert KnownCells(path).find(keys[1], "origin") == cell(0.1)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("damage", [b"\n", b"\0\0\0\0\n", b"\xff\n", b"{x\n", b"[]\n", b'{"key": [1], "cell": {}}\n'])
def test_a_damaged_line_is_lost_alone(damage, tmp_path):
    path = tmp_path / "cells.jsonl"
    keys = [KEY, Key(*(*vars(KEY).values(),)[:-1], "f1-max")]
    known(tmp_path, [(key, cell()) for key in keys])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + second)
    assert [KnownCells(path).find(key, "origin") for key in keys] == [cell(), cell()]
    assert path.read_bytes() == first + second


def test_a_cell_of_other_evidence_is_another_cell(tmp_path):
    known(tmp_path, [(KEY, cell())])
    again = KnownCells(tmp_path / "cells.jsonl")
    assert again.find(KEY, "another origin") is None
    assert again.cells == {}
    assert again.find(KEY, "origin") == cell()
    assert again.cells == {KEY: cell()}


def test_other_grades_of_the_same_images_make_another_study():
    assert study().key == study().key
    assert study((20, 14, 6)).key != study().key
    assert study(external=study().splits["test"]).key != study().key


def test_a_known_cell_is_not_made_again(tmp_path):
    found, drawn = known(tmp_path), study()
    Grid(CHANCE, drawn, 0, "origin").fill(chance(drawn, 0), found)
    before = (tmp_path / "cells.jsonl").read_bytes()
    again = KnownCells(tmp_path / "cells.jsonl")
    Grid(CHANCE, drawn, 0, "origin").fill(chance(drawn, 0), again)
    assert (tmp_path / "cells.jsonl").read_bytes() == before
    assert again.cells == found.cells


def test_the_ablated_system_has_a_cell_for_each_part_and_validation_gives_a_threshold_only(tmp_path):
    random = np.random.default_rng(0)
    drawn = study(validation=study().splits["test"])
    said = Said(random.random(40), (random.random((40, 9)), random.random((40, 4))))
    found = known(tmp_path)
    evidence = Evidence(random.random(12), {"test": said, "validation": said}, (0.0, 0.0))
    Grid(System("CFLOW", Panel(()), mapped=True), drawn, 0, "origin").fill(evidence, found)
    made = {(key.points, key.reduction) for key in found.cells if key.clustering == "hierarchical"}
    single = {(points, reduction) for points in ("map 0", "map 1") for reduction in ("none", "pca")}
    assert made == single | {("score", "none"), ("maps", "none"), ("maps", "pca"), ("maps", "nmf")}
    assert {key.gate for key in found.cells} == {"conformal", "f1-max", "f1-max on validation"}
    assert {key.split for key in found.cells} == {"test"}


# Systems


def taken(layers, model="resnet18.tv_in1k", *, quick=False):
    return systems(Timm(model=model, layers=layers), [f"layer{layer}" for layer in layers], quick=quick)


def test_every_row_of_the_paper_and_every_method_without_training_is_a_system():
    rows, notes = taken((1, 2, 3, 4))
    learned = ["PaDiM", "PatchCore", "FastFlow", "CFLOW"]
    assert [row.name for row in rows if row.mapped] == learned
    assert [row.name for row in rows if not row.mapped] == [
        "NIQE",
        "vessel structure",
        "`measures` panel",
        "`default` panel",
    ]
    assert notes == ()
    scales = {row.name: row.panel.members[0].module.scales for row in rows[:4]}
    assert scales.pop("PaDiM") == ("layer1", "layer2", "layer3")
    assert set(scales.values()) == {("layer2", "layer3")}
    assert {row.panel.final for row in rows} == {"folds"}


def test_labels_are_learned_on_features_as_they_are_whatever_the_rows_make_even():
    encoder = Timm(model="resnet18.tv_in1k", layers=(1, 2, 3, 4))
    rows, _ = taken(encoder.layers)
    of_rows = encoders_of(rows, encoder, supervised=False)
    assert encoder not in of_rows
    assert encoders_of(rows, encoder, supervised=True) == [*of_rows, encoder]


def test_layers_that_the_weights_lack_are_left_out_and_named():
    rows, notes = taken((1, 2, 3), "wide_resnet50_2.tv_in1k")
    assert notes == (
        "CFLOW: layer 4 left out, which the weights file lacks.",
        "`default` panel: on wide_resnet50_2.tv_in1k, not on resnet18.tv_in1k as in its recipe.",
    )
    assert {row.name: row.panel.members[0].module.scales for row in rows[:4]} == {
        "PaDiM": ("layer1", "layer2", "layer3"),
        "PatchCore": ("layer2", "layer3"),
        "FastFlow": ("layer1", "layer2", "layer3"),
        "CFLOW": ("layer2", "layer3"),
    }


def test_a_system_of_which_no_layer_is_there_is_left_out():
    rows, notes = taken((1,), "wide_resnet50_2.tv_in1k")
    assert [row.name for row in rows if row.mapped] == ["PaDiM", "FastFlow"]
    assert notes == (
        "PaDiM: layers 2, 3 left out, which the weights file lacks.",
        "PatchCore is left out: the weights file lacks layers 2, 3.",
        "FastFlow: layers 2, 3 left out, which the weights file lacks.",
        "CFLOW is left out: the weights file lacks layers 2, 3, 4.",
        "`default` panel: layer 3 left out, which the weights file lacks.",
    )
    assert len(rows[-1].panel.members) == len(rows[-2].panel.members)


@pytest.mark.parametrize(
    ("model", "shortened"), [("wide_resnet50_2.tv_in1k", ["FastFlow", "CFLOW"]), ("resnet18.tv_in1k", [])]
)
def test_a_quick_look_shortens_flows_that_learn_for_long_and_nothing_else(model, shortened):
    slow, quick = taken((2, 3), model)[0], taken((2, 3), model, quick=True)[0]
    assert [one.name for one, other in zip(slow, quick, strict=True) if one != other] == shortened
    assert {row.panel.folds for row in quick if row.name in ("FastFlow", "CFLOW")} == {2}


# Tables


def test_copies_of_other_images_can_be_left_out():
    test = Graded(("a", "b", "c"), np.array([2, 1, 0]))
    kept = test.without(("b", "z"))
    assert kept.digests == ("a", "c")
    assert kept.grades.tolist() == [2, 0]


def test_seconds_that_nobody_knows_are_left_out():
    assert spread([2.0, np.nan, 4.0], scale=1.0) == "3.0 ± 1.4"
    assert spread([np.nan], scale=1.0) == "–"


def test_a_figure_is_a_mean_with_its_standard_deviation():
    assert spread([0.5]) == "50.0"
    assert spread([0.5, 0.7]) == "60.0 ± 14.1"
    assert spread([0.912, 0.934], scale=1.0, digits=3) == "0.923 ± 0.016"
    assert both([cell(-0.05, 0.4), cell(0.05, 0.5)]) == "0.0 ± 7.1 / 45.0 ± 7.1"
    assert both([]) == NONE


def test_a_seed_that_is_missing_makes_a_dash():
    cells = {KEY: cell(), **{Key(**{**vars(KEY), "seed": seed, "reduction": "nmf"}): cell() for seed in (0, 1)}}
    table = first_table(measured(cells, seeds=2), [("CFLOW", "maps", "pca"), ("CFLOW", "maps", "nmf")], "5 / 15 / 20")
    column = table.head.index("Hierarchy: conformal")
    assert [row[column] for row in table.rows] == [NONE, "50.0 ± 0.0 / 70.0 ± 0.0"]
    assert table.caption.startswith(
        "Kappa / accuracy in per cent, mean ± standard deviation of 2 seeds; tested: 5 / 15 / 20 "
    )


def test_the_first_table_shows_the_papers_figures_as_published_beside_ours():
    table = first_table(measured({KEY: cell()}), [("CFLOW", "maps", "pca"), ("NIQE", "score", "none")], "5 / 15 / 20")
    row = dict(zip(table.head, table.rows[0], strict=True))
    assert (row["Hierarchy: paper"], row["Hierarchy: F1-max*"], row["Hierarchy: conformal"]) == (
        "53.29 / 72.61",
        NONE,
        "50.0 / 70.0",
    )
    assert (row["low-quality module"], row["F_L"]) == ("CFLOW", "PCA")
    assert table.rows[1][:3] == ("NIQE", "score", NONE)


def test_the_second_table_marks_the_scale_that_labels_chose():
    single = {
        Key(**{**vars(KEY), "points": f"map {number}", "reduction": "none"}): cell(kappa)
        for number, kappa in enumerate((0.1, 0.4, 0.2))
    }
    table = second_table(measured({KEY: cell(), **single}), 3)
    assert table.rows == (
        ("F_QS", "8.05 / 46.78", NONE, NONE),
        ("F_single", "10.34 / 47.72", NONE, "40.0 / 70.0 –"),
        ("F_single + FDR", "11.18 / 48.06", NONE, NONE),
        ("F_multi", "50.04 / 70.66", NONE, NONE),
        ("F_multi + FDR", "53.29 / 72.61", NONE, "50.0 / 70.0"),
    )
    assert "– The best single scale is chosen with labels" in table.caption


def test_whoever_says_the_commonest_grade_has_its_share_and_no_kappa(tmp_path):
    findings = Findings(known(tmp_path), studies={"all": [study((20, 15, 5)), study((30, 5, 5))]})
    first, scores = tables_of(findings, (), 2)
    figure = "0.0 ± 0.0 / 62.5 ± 17.7"
    assert first.rows[-1] == ("majority class", NONE, *(NONE, figure, figure) * 3)
    assert first.rows[0] == ("chance", "score", *(NONE,) * 9)
    assert scores.rows == ()


def test_validation_images_are_in_no_table(tmp_path):
    read = study(external=study((5, 5, 5)).splits["test"], validation=study().splits["test"])
    titles = [table.title for table in tables_of(Findings(known(tmp_path), studies={"all": [read]}), (), 1)]
    assert titles == ["Table 1: all, test set", "Table 1: all, external set", "Scores: all"]


# Pages


def pages():
    table = Table("Table 1: <script>", "All & more.", ("module", "kappa"), (("a|b", "50.0 ± 1.0"), ("<script>x", "–")))
    return Pages((("data set", "<b>mine</b>"),), (table,), ("One note.",))


def test_markdown_is_a_table_whose_cells_may_hold_bars():
    assert pages().markdown().splitlines()[4:12] == [
        "## Table 1: <script>",
        "",
        "All & more.",
        "",
        "| module | kappa |",
        "| --- | --- |",
        "| a\\|b | 50.0 ± 1.0 |",
        "| <script>x | – |",
    ]
    assert pages().markdown().endswith("\n## Notes\n\n* One note.\n")


def test_everything_in_the_page_is_escaped_and_nothing_is_fetched():
    page = pages().html()
    assert "<script" not in page
    assert "<b>" not in page
    assert "<td>50.0 ± 1.0</td>" in page
    assert '<th scope="row">&lt;script&gt;x</th>' in page
    assert "http" not in page


def test_the_csv_has_a_row_a_cell(tmp_path):
    cells = {Key(**{**vars(KEY), "seed": seed}): cell(seed / 10) for seed in range(3)}
    pages().write(tmp_path, cells)
    with (tmp_path / "reproduction.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["kappa"], row["clustered"]) for row in rows] == [
        ("0", "0.0", "30"),
        ("1", "0.1", "30"),
        ("2", "0.2", "30"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"reproduction.{end}" for end in ("csv", "html", "md")]
