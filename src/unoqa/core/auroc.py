"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def auroc(high: Float[np.ndarray, " some"], low: Float[np.ndarray, " others"]) -> float:
    """Return how often one of `high` exceeds one of `low`, a tie counting half (Mann, Whitney 1947).

    Of no values it is no number.

    Example:
        >>> auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        0.875
    """
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left") + np.searchsorted(ordered, high, side="right")
    return float(below.mean() / (2 * len(low)))
