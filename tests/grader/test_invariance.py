"""An image's score, maps and settled grade do not depend on the images beside it."""

import numpy as np
import pytest

from unoqa.core.errors import CohortError, ImageError
from unoqa.core.grading import Grade


@pytest.fixture(scope="module")
def images(clinic):
    return clinic.images()[:12]


@pytest.fixture(scope="module")
def together(grader, clinic):
    return grader.grade_cohort(clinic.mixed)


def by_name(result):
    return {grading.image: grading for grading in result.gradings}


@pytest.mark.requirement("R2")
def test_a_score_is_the_same_to_the_bit_alone_and_in_company(grader, together, images):
    in_company = by_name(together)
    for image in images:
        assessment, _ = grader.assess(image)
        assert assessment.score == in_company[image.name].score


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.requirement("R2")
def test_a_score_is_the_same_to_the_bit_on_any_number_of_threads(threads, torch_threads, grader, together, clinic):
    torch_threads(threads)
    assert grader.grade_cohort(clinic.mixed).gradings == together.gradings


def test_maps_are_the_same_to_the_bit_in_another_order(grader, images):
    first = {image.name: grader.assess(image)[1]() for image in images}
    again = {image.name: grader.assess(image)[1]() for image in reversed(images)}
    assert all(np.array_equal(first[name], again[name]) for name in first)


@pytest.mark.requirement("R2")
def test_a_settled_grade_is_the_same_alone_in_company_and_in_another_order(settled, images):
    forwards = by_name(settled.grade_all(images))
    backwards = by_name(settled.grade_all(list(reversed(images))))
    for image in images:
        assert settled.grade([image]) == forwards[image.name] == backwards[image.name]


@pytest.mark.requirement("R2")
def test_the_order_of_a_cohort_changes_no_grade(grader, together, clinic):
    backwards = grader.grade_cohort(list(reversed(clinic.images())))
    assert [(one.image, one.grade, one.score) for one in together.gradings] == [
        (one.image, one.grade, one.score) for one in reversed(backwards.gradings)
    ]


def test_the_grades_of_a_cohort_hold_when_it_is_settled(together, settled, clinic):
    assert settled.grade_all(clinic.mixed).gradings == together.gradings


def test_one_file_is_graded_by_a_settled_grader(settled, clinic):
    path = min(clinic.mixed.iterdir())
    grading = settled.grade(path)
    assert grading.image == path.name
    assert grading.grade in Grade


def test_one_file_that_is_no_image_is_refused_in_a_sentence(settled, tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(ImageError) as error:
        settled.grade(tmp_path / "text.png")
    assert error.value.code == "unreadable"
    assert str(error.value) == (
        "text.png holds no image that unoqa reads (bmp, dicom, jpeg, matlab, nifti, npy, png, tiff); "
        "open it in a viewer and export it "
        "again."
    )


def test_a_cohort_of_one_image_is_refused_with_the_way_out(grader, images):
    with pytest.raises(CohortError) as error:
        grader.grade_cohort(images[:1])
    assert str(error.value) == (
        "Grading a cohort takes at least 10 images, and there is 1; for fewer, settle the model on a larger cohort "
        "first: unoqa settle COHORT -m MODEL -o MODEL2, then grade with MODEL2."
    )


def test_settling_on_a_cohort_that_is_too_good_says_how_many_it_takes(grader, clinic):
    with pytest.raises(
        CohortError, match=r"^Settling takes at least 10 images that are not outstanding, and 2 of these 30 are not"
    ):
        grader.settle(clinic.outstanding)


@pytest.mark.requirement("R11")
def test_the_grades_agree_with_the_planted_damage(together, clinic):
    rows = (line.split(",") for line in clinic.labels.read_text(encoding="utf-8").splitlines()[1:])
    true = dict(rows)
    right = [grading.grade.word == true[grading.image] for grading in together.gradings]
    assert np.mean(right) > 0.7


def test_an_image_in_memory_is_not_changed(grader, images):
    before = images[0].pixels.copy()
    grader.assess(images[0])[1]()
    assert np.array_equal(images[0].pixels, before)
