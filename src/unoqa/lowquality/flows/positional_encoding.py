"""Where a fibre stands, as numbers that a network can read."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

LONGEST = 10_000.0
"""The longest period of the code in units of 2π places (Vaswani et al. 2017, section 3.5)."""


def positional_encoding(rows: int, columns: int, length: int) -> Float[Tensor, "places length"]:
    """Return the 2-D sine and cosine code of each place of a grid, along its rows.

    The first half of the numbers tells the column, the second the row, sines and cosines in turn; positions are
    counted in places, not normalised, as in CFLOW-AD (Gudovskiy et al. 2022, section 4.2).
    """
    rates = torch.exp(torch.arange(0, length // 2, 2) * -(math.log(LONGEST) / (length // 2)))
    along = _waves(columns, rates).expand(rows, columns, -1)
    down = _waves(rows, rates).unsqueeze(1).expand(rows, columns, -1)
    return torch.cat([along, down], dim=2).reshape(rows * columns, -1)


def _waves(count: int, rates: Float[Tensor, " rates"]) -> Float[Tensor, "count numbers"]:
    angles = torch.arange(count).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
