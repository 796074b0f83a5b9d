"""The position of a fibre in its grid, as numbers that a network can read."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

LONGEST_PERIOD = 10_000.0
"""Longest period of the encoding in units of 2π positions (Vaswani et al. 2017, section 3.5)."""


def positional_encoding(rows: int, columns: int, channels: int) -> Float[Tensor, "positions channels"]:
    """Return the 2-D sine and cosine encoding of each position of a grid, row by row.

    The first half of the channels encodes the column, the second half the row; sines and cosines alternate. Positions
    are counted, not normalised, as in CFLOW-AD (Gudovskiy et al. 2022, section 4.2).
    """
    frequencies = torch.exp(torch.arange(0, channels // 2, 2) * -(math.log(LONGEST_PERIOD) / (channels // 2)))
    column = _encode_indices(columns, frequencies).expand(rows, columns, -1)
    row = _encode_indices(rows, frequencies).unsqueeze(1).expand(rows, columns, -1)
    return torch.cat([column, row], dim=2).reshape(rows * columns, -1)


def _encode_indices(count: int, frequencies: Float[Tensor, " frequencies"]) -> Float[Tensor, "count channels"]:
    angles = torch.arange(count).unsqueeze(1) * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
