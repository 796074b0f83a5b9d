"""Lower triangular matrices without their zeros."""

from __future__ import annotations

import torch
from jaxtyping import Shaped
from torch import Tensor


def pack(matrices: Shaped[Tensor, "places side side"]) -> Shaped[Tensor, "places entries"]:
    """Keep the lower triangles, row by row."""
    rows, columns = torch.tril_indices(matrices.shape[-1], matrices.shape[-1], device=matrices.device)
    return matrices[:, rows, columns]


def unpack(entries: Shaped[Tensor, "places entries"], side: int) -> Shaped[Tensor, "places side side"]:
    """Undo `pack`."""
    rows, columns = torch.tril_indices(side, side, device=entries.device)
    matrices = entries.new_zeros(len(entries), side, side)
    matrices[:, rows, columns] = entries
    return matrices
