"""Which outstanding images are fitted on, where a data set itself does not say, and what a study needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.benchmark.datasets.parts.contract import Labelled, Study
    from unoqa.formats import ImageReference

MOST_TO_FIT = 80
"""Outstanding images that a drawn half has at most."""

FEWEST_WORSE = 10
"""Test images that are not outstanding: with fewer, no figure means anything."""

Split = tuple[tuple["ImageReference", ...], tuple["Labelled", ...]]
"""Images to fit on, and what is tested."""


def drawn(images: Sequence[Labelled], fitted: int, *, seed: int) -> Split:
    """Draw outstanding images to fit on, in the order drawn; all other images, in their own order, are the test."""
    outstanding = [position for position, image in enumerate(images) if image.grade is Grade.OUTSTANDING]
    chosen = np.random.default_rng(seed).permutation(np.array(outstanding, dtype=np.int64))[:fitted].tolist()
    taken = set(chosen)
    test = tuple(image for position, image in enumerate(images) if position not in taken)
    return tuple(images[position].reference for position in chosen), test


def half_drawn(images: Sequence[Labelled], where: str, *, seed: int) -> Split:
    """Draw half of the outstanding images, at most 80.

    Args:
        where: data set and study, such as `labelled-folder, study all`, for the error's sentence.

    Raises:
        DataSetError: there are fewer than two.
    """
    outstanding = count(images, Grade.OUTSTANDING)
    if outstanding < 2:
        raise DataSetError(
            f"{where}: {outstanding} of {len(images)} images are outstanding; at least 2 are needed, half of which are "
            "fitted on."
        )
    return drawn(images, min(MOST_TO_FIT, outstanding // 2), seed=seed)


def checked(study: Study, data_set: str) -> Study:
    """Return the study if it can be fitted and tested.

    Raises:
        DataSetError: it has no image to fit on, or fewer than ten test images that are not outstanding.
    """
    if not study.fit:
        raise DataSetError(f"{data_set}, study {study.name}: no image to fit on is outstanding; at least 1 is needed.")
    worse = len(study.test) - count(study.test, Grade.OUTSTANDING)
    if worse < FEWEST_WORSE:
        raise DataSetError(
            f"{data_set}, study {study.name}: {worse} of {len(study.test)} test images are not outstanding; at least "
            f"{FEWEST_WORSE} are needed."
        )
    return study


def count(images: Sequence[Labelled], grade: Grade) -> int:
    """Count the images of one grade."""
    return sum(image.grade is grade for image in images)
