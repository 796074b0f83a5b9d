"""The area under the ROC curve."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from unoqa.core.intervals import NORMAL_QUANTILE


def auroc(high: Float[np.ndarray, " some"], low: Float[np.ndarray, " others"]) -> float:
    """Return the probability that a value of `high` exceeds one of `low`; a tie counts half (Mann, Whitney 1947).

    NaN where either sample is empty.

    Example:
        >>> auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        0.875
    """
    if not len(high) or not len(low):
        return float("nan")
    return float(_count_below(high, low).mean() / len(low))


def auroc_difference(
    high: Float[np.ndarray, "2 some"], low: Float[np.ndarray, "2 others"]
) -> tuple[float, float, float]:
    """Return by how much the area of a first score exceeds that of a second one of the same images.

    Also the ends of its 95 % interval, from the covariance of the two areas (DeLong, DeLong, Clarke-Pearson 1988,
    Biometrics 44:837, eq. 3 to 6). All NaN if either class has fewer than two images.

    Args:
        high: both scores of the images that should have high ones.
        low: both scores of the others.
    """
    if min(high.shape[1], low.shape[1]) < 2:
        return math.nan, math.nan, math.nan
    pairs = list(zip(high, low, strict=True))
    of_high = np.stack([_count_below(highs, lows) for highs, lows in pairs]) / low.shape[1]
    of_low = np.stack([_count_below(-lows, -highs) for highs, lows in pairs]) / high.shape[1]
    variance = sum(np.var(part[0] - part[1], ddof=1) / part.shape[1] for part in (of_high, of_low))
    difference, half = float((of_high[0] - of_high[1]).mean()), NORMAL_QUANTILE * math.sqrt(variance)
    return difference, difference - half, difference + half


def _count_below(
    values: Float[np.ndarray, " some"], others: Float[np.ndarray, " others"]
) -> Float[np.ndarray, " some"]:
    """Return how many of the others are below each value; ties count half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / 2
