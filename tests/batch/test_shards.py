"""A cohort that is graded in shards and joined ends as one that was graded by one process."""

from __future__ import annotations

import shutil

import pytest

from one_run import grade, same
from records import rows
from unoqa import Results
from unoqa.batch.join import join_shards
from unoqa.batch.shards import Shard
from unoqa.core.errors import ResultsError, UsageError
from unoqa.grader.choice_of_model import Models
from unoqa.outputs import write_default_outputs


def cut(model, images, base, of, **options):
    return [
        grade(model, images, base / f"shard-{number}", shard=Shard(number, of), **options)
        for number in range(1, of + 1)
    ]


def join(model, shards, folder):
    with join_shards(shards, Models.load([model], device="cpu"), folder) as results:
        write_default_outputs(results, leave_out=("report_html",))
    return folder


@pytest.fixture(scope="module")
def shards(model, images, tmp_path_factory):
    return cut(model, images, tmp_path_factory.mktemp("shards"), 3)


def test_joined_shards_of_a_cohort_equal_one_run(model, whole, shards, tmp_path):
    joined = join(model, shards[::-1], tmp_path / "joined")
    same(joined, whole)


def test_a_shard_of_a_cohort_has_scores_and_no_grades(shards):
    with Results.open(shards[0]) as results:
        assert results.count(None) == len(results) == 6
        assert results.count_scored_without_grade() == 5  # one is no image
        assert results.grading(0).error == (
            "shard: shard 1/3 of a cohort; all shards together get grades (unoqa join)."
        )
    assert not (shards[0] / "report.html").exists()


def test_shards_of_a_settled_model_have_grades_and_join_too(settled_model, images, tmp_path):
    alone = grade(settled_model, images, tmp_path / "alone", heat=False)
    parts = cut(settled_model, images, tmp_path, 2, heat=False)
    with Results.open(parts[0]) as results:
        assert results.count(None) == 0
    assert rows(join(settled_model, parts, tmp_path / "joined")) == rows(alone)


def test_a_join_that_was_cut_goes_on(model, whole, shards, tmp_path):
    class Cut(BaseException):
        pass

    with pytest.raises(Cut), join_shards(shards, Models.load([model], device="cpu"), tmp_path / "joined"):
        raise Cut
    assert rows(join(model, shards, tmp_path / "joined")) == rows(whole)


def test_decisions_about_images_of_shards_are_kept(settled_model, images, tmp_path):
    parts = cut(settled_model, images, tmp_path, 2, heat=False)
    with Results.open(parts[1]) as results:
        results.decide(0, "Anna", "grade", "gradable")
        results.decide(0, "Anna", "grade", "ungradable", reason="second look")
    for _ in range(2):  # joined again, they are not doubled
        with Results.open(join(settled_model, parts, tmp_path / "joined")) as results:
            assert [(one.position, one.old, one.new) for one in results.decisions] == [
                (1, None, "gradable"),
                (1, "gradable", "ungradable"),
            ]


def test_shards_that_do_not_belong_together_are_refused_by_name(model, settled_model, images, shards, tmp_path):
    loaded = Models.load([model], device="cpu")

    def refused(folders, models=loaded):
        with pytest.raises((ResultsError, UsageError)) as caught, join_shards(folders, models, tmp_path / "joined"):
            pass
        assert not (tmp_path / "joined").exists()
        return str(caught.value)

    first, second, third = shards
    assert refused([first, third]) == "Of 3 shards, these are missing: 2; grade them, and name them too."
    copy = shutil.copytree(second, tmp_path / "copy")
    assert refused([*shards, copy]) == f"{second} and {copy} are both shard 2 of 3; name each shard once."
    other = grade(settled_model, images, tmp_path / "other", shard=Shard(2, 3), heat=False)
    assert refused([first, other, third]) == (
        f"{first} and {other} were graded with different models; grade them alike."
    )
    every = grade(model, images, tmp_path / "every", shard=Shard(2, 3), all_findings=True)
    assert refused([first, every, third]) == (
        f"{first} and {every} were graded with other versions, devices or settings; grade them alike."
    )
    half = grade(model, images, tmp_path / "half", shard=Shard(2, 2))
    assert refused([first, half]) == (
        f"{first} and {half} are shards of other images, or of another number of shards; join those of one."
    )
    assert refused(shards, Models.load([settled_model], device="cpu")) == (
        f"{first} was graded with another model; name that one (-m)."
    )


def test_results_that_are_no_shard_are_refused(model, whole, tmp_path):
    loaded = Models.load([model], device="cpu")
    with pytest.raises(ResultsError, match="holds no shard"), join_shards([whole], loaded, tmp_path / "joined"):
        pass


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "-1/2", "1/0", "²/3"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UsageError, match="names no shard; give its number and how many there are, such as 3/8"):
        Shard.parse(text)


def test_more_shards_than_images_are_refused(model, images, tmp_path):
    with pytest.raises(UsageError, match="16 images cannot be cut into 17 shards; give 16 at most"):
        grade(model, images, tmp_path / "results", shard=Shard(1, 17))


def test_a_shard_is_not_added_to_results(settled_model, images, tmp_path):
    with pytest.raises(UsageError, match="A shard cannot be added to other results"):
        grade(settled_model, images, tmp_path / "results", shard=Shard(1, 2), append=True)
