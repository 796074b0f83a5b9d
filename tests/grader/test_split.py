"""What is not outstanding is split in two, and the worse half is the one that scores worse."""

import tomllib

import numpy as np
import pytest
import tomli_w
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import unoqa
from clinic import small
from unoqa import EnfaceImage, Recipe
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.clusterings.gmm import Gmm
from unoqa.clusterings.hierarchical import Hierarchical
from unoqa.clusterings.kmeans import Kmeans
from unoqa.core.assessment import Assessment
from unoqa.core.errors import CohortError, UsageError
from unoqa.core.grading import Grade
from unoqa.grader.cohort import FittedThreshold, grade_cohort, grade_settled
from unoqa.grader.panel import Prediction, flatten_to_half
from unoqa.grader.split import COARSE, QUANTILES, Split, compute_quantiles
from unoqa.reductions.none import NoReduction
from unoqa.reductions.pca import Pca

every_clustering = pytest.mark.parametrize("clustering", [Kmeans(), Gmm(), Hierarchical()], ids=["k", "g", "h"])
THRESHOLD = FittedThreshold(value=1.0, std=1.0)


def split(clustering=None):
    return Split("score", NoReduction(), clustering or Kmeans())


def two_groups(each=30, seed=0):
    random = np.random.default_rng(seed)
    return np.concatenate([random.normal(3, 0.3, each), random.normal(9, 0.3, each)])


def assessments(scores):
    return [Assessment(f"{place}.png", float(score), point=np.array([score])) for place, score in enumerate(scores)]


@every_clustering
@pytest.mark.parametrize("sign", [1, -1])
def test_the_group_with_the_higher_mean_score_is_ungradable(clustering, sign):
    scores = two_groups()
    _, verdicts = split(clustering).fit(sign * scores[:, None], scores, std=1.0, seed=0)
    assert verdicts.grades == (Grade.GRADABLE,) * 30 + (Grade.UNGRADABLE,) * 30
    assert verdicts.margins.min() > 0.5


@every_clustering
def test_groups_that_do_not_differ_in_score_have_no_certainty(clustering):
    scores = np.random.default_rng(0).normal(5, 1, 60)
    fitted, verdicts = split(clustering).fit(two_groups(seed=1)[:, None], scores, std=1.0, seed=0)
    assert not fitted.distinct
    assert np.array_equal(verdicts.margins, np.zeros(60))


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential"])
def test_a_cohort_of_one_group_warns(draw):
    unit = {"normal": lambda r: r.normal(0, 1, 60), "uniform": lambda r: r.uniform(-1.73, 1.73, 60)}
    unit["exponential"] = lambda r: r.exponential(1, 60)
    scores = 5 + unit[draw](np.random.default_rng(3))
    result, fitted = grade_cohort(assessments(scores), THRESHOLD, split(), seed=0)
    refused = [grading for grading in result.gradings if grading.grade is not Grade.OUTSTANDING]
    assert not fitted.distinct
    assert {grading.certainty for grading in refused} == {0.0}
    assert result.warnings == (
        "The images that are not outstanding do not fall into two groups: gradable and ungradable are "
        "told apart with certainty 0.",
    )


def test_one_odd_image_that_makes_all_others_gradable_is_named():
    result, _ = grade_cohort(assessments([*np.linspace(3, 3.2, 60), 7.5]), THRESHOLD, split(), seed=0)
    assert result.count(Grade.UNGRADABLE) == 1
    assert result.warnings[0].startswith(
        "Only 1 of 61 images that are not outstanding form the ungradable group (60.png): if these are not scans"
    )


@every_clustering
@pytest.mark.parametrize("odd", [1, 3, 5])
@pytest.mark.parametrize("times", [3.5, 10.0])
def test_a_few_images_far_worse_than_all_others_move_no_grade(clustering, odd, times):
    scores = two_groups()
    far = 1 + times * (np.full(odd, scores.max()) - 1)
    alone, _ = grade_cohort(assessments(scores), THRESHOLD, split(clustering), seed=0)
    together, fitted = grade_cohort(assessments([*far, *scores]), THRESHOLD, split(clustering), seed=0)
    assert [one.grade for one in together.gradings[odd:]] == [one.grade for one in alone.gradings]
    assert {one.grade for one in together.gradings[:odd]} == {Grade.UNGRADABLE}
    assert together.warnings[0].endswith(f"moved no other grade: {', '.join(f'{n}.png' for n in range(min(odd, 3)))}.")
    settled = grade_settled(assessments(scores), THRESHOLD, fitted)
    assert [one.grade for one in settled.gradings] == [one.grade for one in alone.gradings]


def test_a_small_cohort_warns():
    result, _ = grade_cohort(assessments(two_groups(each=10)), THRESHOLD, split(), seed=0)
    assert result.warnings == (
        "Only 20 images are not outstanding; with fewer than 50 the split between gradable and ungradable may change "
        "when a few more are added: grade a larger cohort if you have one.",
    )


@every_clustering
def test_many_copies_of_one_poor_image_are_graded_without_certainty(clustering):
    result, _ = grade_cohort(assessments([4.0] * 12), THRESHOLD, split(clustering), seed=0)
    assert not any("form the ungradable group" in warning for warning in result.warnings)
    assert all(grading.grade in (Grade.GRADABLE, Grade.UNGRADABLE) for grading in result.gradings)
    assert {grading.certainty for grading in result.gradings} == {0.0}


def test_fewer_than_ten_refused_images_are_not_split():
    with pytest.raises(CohortError) as error:
        split().fit(np.ones((9, 1)), np.ones(9), std=1.0, seed=0)
    assert str(error.value) == (
        "At least 10 images that are not outstanding are needed to tell gradable from ungradable, and there are 9; "
        "grade a larger cohort, or use a settled model (see unoqa settle)."
    )


def test_fewer_than_ten_refused_images_keep_their_scores_and_their_rows_say_why():
    result, fitted = grade_cohort(assessments([0.5, 4.0, 9.0]), THRESHOLD, split(), seed=0)
    assert fitted is None
    assert [grading.grade for grading in result.gradings] == [Grade.OUTSTANDING, None, None]
    assert [grading.score for grading in result.gradings] == [0.5, 4.0, 9.0]
    assert result.gradings[1].error == (
        "cohort-too-small: not outstanding, but too few such images to tell gradable from ungradable."
    )
    assert result.warnings == (
        "2 images are not outstanding; at least 10 are needed to tell gradable from ungradable: "
        "grade a larger cohort, or use a settled model (see unoqa settle).",
    )


def test_a_cohort_of_outstanding_images_needs_no_split():
    result, fitted = grade_cohort(assessments([0.1, 0.2, 1.0]), THRESHOLD, split(), seed=0)
    assert fitted is None
    assert result.count(Grade.OUTSTANDING) == 3
    assert result.warnings == ()


def test_a_settled_split_grades_its_own_cohort_as_the_cohort_was_graded():
    cohort = assessments(np.concatenate([two_groups(), [0.2, 0.9]]))
    result, fitted = grade_cohort(cohort, THRESHOLD, split(), seed=0)
    assert grade_settled(cohort, THRESHOLD, fitted).gradings == result.gradings


def test_images_of_one_name_are_still_two_images():
    cohort = [*assessments(two_groups()), Assessment("0.png", 9.0, point=np.array([9.0]))]
    result, _ = grade_cohort(cohort, THRESHOLD, split(), seed=0)
    assert result.gradings[0].grade is Grade.GRADABLE
    assert result.gradings[-1].grade is Grade.UNGRADABLE


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(1.125, 30, width=32), min_size=10, max_size=30))
def test_a_worse_score_never_earns_a_better_grade(scores):
    result, fitted = grade_cohort(assessments(sorted(scores)), THRESHOLD, split(), seed=0)
    grades = [grading.grade for grading in result.gradings]
    assert grades == sorted(grades, reverse=True)
    alone = [fitted.grade(np.array([score]))[0] for score in np.linspace(1, 31, 50)]
    assert alone == sorted(alone, reverse=True)


def test_a_split_comes_back_from_its_arrays():
    points = np.random.default_rng(0).normal(size=(40, 6)) + 4 * (np.arange(40) < 20)[:, None]
    settings = Split("members", Pca(), Gmm())
    fitted, _ = settings.fit(points, points.sum(axis=1), std=1.0, seed=0)
    again = settings.restore(fitted.state(), fitted.to_values())
    assert [again.grade(point) for point in points] == [fitted.grade(point) for point in points]


def grid(rows=12, columns=16):
    return np.random.default_rng(0).random((rows, columns)).astype(np.float32)


@pytest.mark.parametrize("shift", [(1, 0), (5, 3), (-2, 7)])
def test_where_a_fault_lies_changes_the_coarse_means_only(shift):
    still, moved = compute_quantiles(grid()), compute_quantiles(np.roll(grid(), shift, axis=(0, 1)))
    assert np.array_equal(moved[:QUANTILES], still[:QUANTILES])
    assert not np.allclose(moved[QUANTILES:], still[QUANTILES:])
    assert moved[QUANTILES:].mean() == pytest.approx(still[QUANTILES:].mean(), abs=1e-6)


def test_quantiles_are_numpys_and_coarse_means_those_of_squares():
    numbers = compute_quantiles(grid())
    assert numbers[[0, QUANTILES - 1]].tolist() == [grid().min(), grid().max()]
    assert numbers[QUANTILES:] == pytest.approx(grid().reshape(4, 3, 4, 4).mean(axis=(1, 3)).ravel())
    assert len(numbers) == QUANTILES + COARSE**2


@pytest.mark.parametrize(("shape", "count"), [((40, 40), 48), ((2, 3), 38), ((1, 5), 36), ((1, 1), 1)])
def test_a_map_of_few_places_has_fewer_coarse_means(shape, count):
    assert len(compute_quantiles(grid(*shape))) == count


def test_an_image_is_represented_by_the_quantiles_of_each_of_its_maps():
    prediction = Prediction(3.0, np.array([1.0, 2.0]), (grid(), grid(1, 1)))
    point = Split("quantile", NoReduction(), Kmeans()).represent(prediction)
    assert np.array_equal(point, np.float16([*compute_quantiles(grid()), grid(1, 1)[0, 0]]))


def test_latents_of_a_panel_without_a_flow_are_refused():
    with pytest.raises(UsageError) as caught:
        Split("latent", NoReduction(), Kmeans()).represent(Prediction(3.0, np.array([3.0]), (grid(),)))
    assert str(caught.value) == (
        "No module of this recipe has latents; choose cflow or fastflow, or another 'representation'."
    )


def test_a_latent_that_half_precision_does_not_hold_is_the_largest_that_it_does():
    latents = [torch.tensor([[[[1e6, -1e6]]]]), torch.tensor([[[[0.1]]]])]
    assert flatten_to_half(latents).tolist() == [65504.0, -65504.0, np.float16(0.1)]


def lit(count, light, seed):
    """Return outstanding scans, no two alike, with so much of their light."""
    scans = draw_scans(outstanding=count, gradable=0, ungradable=0, seed=seed, size=96)
    return [EnfaceImage(f"{seed}/{scan.name}", light * scan.pixels / 255) for scan in scans]


@pytest.mark.parametrize("final", ["folds", "held-out", "refit"])
def test_latents_are_clustered_settled_and_come_back(final, weights, tmp_path):
    path = small("cflow-resnet18", tmp_path, fibres=4000, blocks=2)
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    values["panel"] |= {"folds": 2, "final": final}
    values["split"] |= {"representation": "latent", "reduction": "pca"}
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    grader = Recipe.read(path).fit(lit(18, 1, seed=1), weights=weights)
    settled = grader.settle([*lit(6, 0.3, seed=2), *lit(6, 0.1, seed=3)])
    settled.save(tmp_path / "model")
    new = [*lit(1, 0.3, seed=4), *lit(1, 0.1, seed=5)]
    gradings = unoqa.load(tmp_path / "model").grade_all(new).gradings
    assert [grading.grade for grading in gradings] == [Grade.GRADABLE, Grade.UNGRADABLE]
    assert gradings == settled.grade_all(new).gradings
    assert settled.frozen_split.reduction.state()["mean"].shape == ((64 + 128) * 10 * 10,)


def test_the_border_is_the_score_at_which_the_grade_changes():
    scores = two_groups()
    fitted, _ = split().fit(scores[:, None], scores, std=1.0, seed=0)
    assert fitted.grade(np.array([fitted.border]))[0] is Grade.UNGRADABLE
    assert fitted.grade(np.array([np.nextafter(fitted.border, 0)]))[0] is Grade.GRADABLE
    assert scores[:30].max() < fitted.border < scores[30:].min()


def test_a_split_of_other_numbers_than_the_score_has_no_border():
    scores = two_groups()
    settings = Split("members", NoReduction(), Kmeans())
    fitted, _ = settings.fit(np.stack([scores, scores], axis=1), scores, std=1.0, seed=0)
    assert fitted.border is None
