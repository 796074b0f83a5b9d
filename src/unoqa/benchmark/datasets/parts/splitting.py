"""Draw the outstanding images to fit on, if a data set itself has no split, and check that a study is large enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.benchmark.datasets.parts.contract import LabelledImage, Study
    from unoqa.formats import ImageReference

MAX_TO_FIT = 80
"""Maximum number of outstanding images in a half that is drawn to fit on."""

MIN_NOT_OUTSTANDING = 10
"""Minimum number of test images that are not outstanding: with fewer, no figure means anything."""

Split = tuple[tuple["ImageReference", ...], tuple["LabelledImage", ...]]
"""Images to fit on, and test images."""


def draw_split(images: Sequence[LabelledImage], fit_count: int, *, seed: int) -> Split:
    """Draw outstanding images to fit on, in the order drawn; all other images, in their own order, are the test."""
    outstanding = [position for position, image in enumerate(images) if image.grade is Grade.OUTSTANDING]
    drawn = np.random.default_rng(seed).permutation(np.array(outstanding, dtype=np.int64))[:fit_count].tolist()
    used = set(drawn)
    test = tuple(image for position, image in enumerate(images) if position not in used)
    return tuple(images[position].reference for position in drawn), test


def draw_half_split(images: Sequence[LabelledImage], where: str, *, seed: int) -> Split:
    """Draw half of the outstanding images to fit on, at most 80.

    Args:
        where: data set and study, such as `labelled-folder, study all`, for the error message.

    Raises:
        DataSetError: there are fewer than two outstanding images.
    """
    outstanding = count_grade(images, Grade.OUTSTANDING)
    if outstanding < 2:
        raise DataSetError(
            f"{where}: {outstanding} of {len(images)} images are outstanding; at least 2 are needed, because half of "
            "them are fitted on."
        )
    return draw_split(images, min(MAX_TO_FIT, outstanding // 2), seed=seed)


def check_study(study: Study, data_set: str) -> Study:
    """Return the study if it can be fitted and tested.

    Args:
        data_set: name of the data set, for the error message.

    Raises:
        DataSetError: it has no image to fit on, or fewer than ten test images that are not outstanding.
    """
    if not study.fit:
        raise DataSetError(f"{data_set}, study {study.name}: no image to fit on is outstanding; at least 1 is needed.")
    worse = len(study.test) - count_grade(study.test, Grade.OUTSTANDING)
    if worse < MIN_NOT_OUTSTANDING:
        raise DataSetError(
            f"{data_set}, study {study.name}: {worse} of {len(study.test)} test images are not outstanding; at least "
            f"{MIN_NOT_OUTSTANDING} are needed."
        )
    return study


def count_grade(images: Sequence[LabelledImage], grade: Grade) -> int:
    """Count the images of one grade."""
    return sum(image.grade is grade for image in images)
