"""A settled grader grades one image, or all of them, and drops none."""

import pytest

from unoqa.core.errors import UsageError


def test_one_image_is_graded_and_several_are_not_silently_one(settled, clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 1)
    assert settled.grade(folder) == settled.grade_all(folder).gradings[0]
    clinic.some(folder, 3)
    with pytest.raises(UsageError) as error:
        settled.grade(folder)
    assert str(error.value) == "`grade` takes one image, and there are 3; call `grade_all` for all of them."
