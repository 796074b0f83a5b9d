"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def auroc(high: Float[np.ndarray, " some"], low: Float[np.ndarray, " others"]) -> float:
    """Return the probability that a value of `high` exceeds one of `low`; a tie counts half (Mann, Whitney 1947).

    NaN where either sample is empty.

    Example:
        >>> auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        0.875
    """
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    twice_below = np.searchsorted(ordered, high, side="left") + np.searchsorted(ordered, high, side="right")
    return float(twice_below.mean() / (2 * len(low)))
