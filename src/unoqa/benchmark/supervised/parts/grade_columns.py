"""Grades as the classes of a classifier."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade


def require_grades(grades: Int[np.ndarray, " images"], *, each: int) -> Int[np.ndarray, " occurring"]:
    """Return the grades that occur, sorted.

    Args:
        each: minimum number of images of each grade that occurs.

    Raises:
        DataSetError: fewer than two grades occur, or one of them has too few images.
    """
    occurring, counts = np.unique(grades, return_counts=True)
    if len(occurring) < 2:
        words = "".join(f", all {Grade(int(grade)).word}" for grade in occurring)
        raise DataSetError(
            f"A supervised reference learns from labelled images of two or three grades, but has {len(grades)} "
            f"labelled images{words}; label images of other grades too."
        )
    rarest = int(counts.argmin())
    if counts[rarest] < each:
        raise DataSetError(
            f"The grade {Grade(int(occurring[rarest])).word} has {counts[rarest]} labelled images, but a supervised "
            f"reference needs {each} of each grade that occurs; label more, or leave those out."
        )
    return occurring


def to_grade_columns(
    probabilities: Float[np.ndarray, "images occurring"], occurring: Int[np.ndarray, " occurring"]
) -> Float[np.ndarray, "images 3"]:
    """Put each probability into the column of its grade; a grade that does not occur has probability 0."""
    columns = np.zeros((len(probabilities), len(Grade)))
    columns[:, occurring] = probabilities
    return columns
