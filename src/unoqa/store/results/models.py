"""Which model scored an image, where a cohort is graded by several."""

from __future__ import annotations

import math


def find_threshold(stored: float | list[float], model: int | None) -> float:
    """Return the threshold of an image's model; of several, an image that failed has none (NaN).

    Args:
        stored: the threshold of the only model, or of each.
        model: number of the image's model; None if no model scored it, or there is only one.
    """
    if not isinstance(stored, list):
        return float(stored)
    if len(stored) == 1:
        return stored[0]
    return math.nan if model is None else stored[model]
