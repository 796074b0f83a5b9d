"""Blurring by a Gaussian, whole lines at a time: half the time of scipy's, which gathers each line and takes its sums.

Three blurs of an image are a third of what its measures cost.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

CUT = 3
"""Standard deviations from its middle at which the Gaussian ends."""

Field = Float[np.ndarray, "rows columns"]


def blurred(field: Field, sigma: float) -> Field:
    """Blur by a Gaussian of so many pixels, mirrored beyond the edges (scipy's `reflect`)."""
    weights = _from_the_middle(sigma)
    return _down(_down(field, weights), weights)


def _down(field: Field, weights: tuple[np.float32, ...]) -> Float[np.ndarray, "columns rows"]:
    """Blur along the first axis and turn the other way: lines at equal distances from one have equal weights."""
    reach, size = len(weights) - 1, len(field)
    around = np.pad(field, ((reach, reach), (0, 0)), mode="symmetric")
    total = weights[0] * around[reach : reach + size]
    for distance, weight in enumerate(weights[1:], start=1):
        both = around[reach - distance :][:size] + around[reach + distance :][:size]
        both *= weight
        total += both
    return np.ascontiguousarray(total.T)


@lru_cache(maxsize=32)
def _from_the_middle(sigma: float) -> tuple[np.float32, ...]:
    """Return the weights of a line and of those on one side of it."""
    reach = int(CUT * sigma + 0.5)
    weights = np.exp(-0.5 * np.square(np.arange(reach + 1) / sigma))
    return tuple((weights / (2 * weights.sum() - weights[0])).astype(np.float32))
