"""Weighted averages of neighbouring pixels along lines, as products of small matrices.

Three blurs and two running means of an image would be half of what its measures cost. A processor multiplies matrices
several times faster than scipy gathers each line and takes its sums.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

LINES = 32
"""Lines that one product gives: with more, more of the matrix is zeros; with fewer, products are too small."""

Field = Float[np.ndarray, "rows columns"]


def blurred(field: Field, sigma: float, *, cut: int = 3) -> Field:
    """Blur by a Gaussian of so many pixels, mirrored beyond the edges (scipy's `reflect`).

    Args:
        cut: standard deviations from its middle at which the Gaussian ends.
    """
    band = _band_of_gaussian(sigma, cut)
    return _averaged(_averaged(field, band, axis=0), band, axis=1)


def running_mean(field: Field, length: int, *, axis: int) -> Field:
    """Average each pixel with those around it, an odd number along one axis, mirrored beyond the edges."""
    return _averaged(field, _band_of_mean(length), axis=axis)


def _averaged(field: Field, band: Float[torch.Tensor, "made read"], *, axis: int) -> Field:
    """Take each block of lines and those around it to the averages of the block."""
    (made, read), lines, other = band.shape, field.shape[axis], field.shape[1 - axis]
    blocks = -(-lines // made)
    reach = (read - made) // 2
    margins = [(0, 0), (0, 0)]
    margins[axis] = (reach, reach + blocks * made - lines)
    around = torch.from_numpy(np.pad(field, margins, mode="symmetric"))
    given = around.unfold(axis, read, made)
    if axis == 0:
        averages = torch.bmm(band.expand(blocks, -1, -1), given.transpose(1, 2))
        return averages.reshape(-1, other)[:lines].numpy()
    averages = torch.bmm(given.transpose(0, 1), band.T.expand(blocks, -1, -1))
    return averages.transpose(0, 1).reshape(other, -1)[:, :lines].numpy()


@lru_cache(maxsize=32)
def _band_of_gaussian(sigma: float, cut: int) -> Float[torch.Tensor, "made read"]:
    reach = int(cut * sigma + 0.5)
    return _band(np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma)))


@lru_cache(maxsize=32)
def _band_of_mean(length: int) -> Float[torch.Tensor, "made read"]:
    return _band(np.ones(length))


def _band(weights: Float[np.ndarray, " odd"]) -> Float[torch.Tensor, "made read"]:
    """Return the matrix in each of whose rows the weights stand, one place further than in the row before."""
    band = np.zeros((LINES, LINES + len(weights) - 1))
    for row in range(LINES):
        band[row, row : row + len(weights)] = weights / weights.sum()
    return torch.from_numpy(band.astype(np.float32))
