"""Fibres: a fibre is the vector of all channels at one place of a grid (the term of CFLOW-AD)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence


def smooth(
    grid: Float[Tensor, "batch channels rows columns"], neighbourhood: int, *, pad: bool = False
) -> Float[Tensor, "batch channels rows columns"]:
    """Average each place with its neighbours; places outside the grid do not count, or are 0 with `pad`.

    The square is centred on its place, so an even side is read as the next odd one. Its mean is the mean along rows of
    the means along columns: 2 × side sums a place in place of side².
    """
    reach = neighbourhood // 2
    if reach == 0:
        return grid
    side = 2 * reach + 1
    column_means = functional.avg_pool2d(grid, (side, 1), stride=1, padding=(reach, 0), count_include_pad=pad)
    return functional.avg_pool2d(column_means, (1, side), stride=1, padding=(0, reach), count_include_pad=pad)


def average_grid(
    grid: Float[Tensor, "*batch rows columns"], largest: int
) -> Float[Tensor, "*batch fewer_rows fewer_columns"]:
    """Average a grid down to at most `largest` places per side.

    The windows overlap where the side is not a multiple of `largest`. 0 keeps the grid as it is.
    """
    rows, columns = grid.shape[-2:]
    if largest == 0 or max(rows, columns) <= largest:
        return grid
    return functional.adaptive_avg_pool2d(grid, (min(rows, largest), min(columns, largest)))


def to_fibres(grid: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch places channels"]:
    """List the fibres of a grid, row by row."""
    return grid.flatten(2).transpose(1, 2)


def find_finest(grids: Sequence[Tensor]) -> tuple[int, int]:
    """Return rows and columns of the grid with the most places."""
    rows, columns = max((grid.shape[-2:] for grid in grids), key=lambda shape: shape[0] * shape[1])
    return rows, columns


def join_scales(
    grids: Sequence[Tensor], shape: tuple[int, int], *, repeat: bool = False
) -> Float[Tensor, "batch channels rows columns"]:
    """Resample the scales to one shape and stack their channels.

    A coarser scale is interpolated bilinearly, or its values are repeated; a finer one is averaged by area.
    """
    return torch.cat([_resample(grid, shape, repeat=repeat) for grid in grids], dim=1)


def _resample(grid: Tensor, shape: tuple[int, int], *, repeat: bool) -> Tensor:
    if tuple(grid.shape[-2:]) == shape:
        return grid
    if grid.shape[-2] >= shape[0] and grid.shape[-1] >= shape[1]:
        return functional.adaptive_avg_pool2d(grid, shape)
    if repeat:
        return functional.interpolate(grid, shape, mode="nearest")
    return functional.interpolate(grid, shape, mode="bilinear", align_corners=False)
