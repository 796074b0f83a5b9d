"""One score from the maps of an image."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unoqa.core.evidence import Evidence

Pool = Literal["mean", "median", "top50", "top25", "top10", "max"]
"""Mean or median of the whole map, mean of its worst half, quarter or tenth, or maximum (the paper's rule).

On real images of two devices the ranking by AUROC is mean ≈ median > top50 > top25 > top10 > max for every
deep module (docs/accuracy.md): the quality of an acquisition is a property of the whole field.
"""

_WORST_SHARE = {"top50": 0.50, "top25": 0.25, "top10": 0.10}


def pool(grid: Float[Tensor, "batch rows columns"], how: Pool) -> Float[Tensor, " batch"]:
    """Pool each map to one number."""
    flat = grid.flatten(1)
    if how == "mean":
        return flat.mean(dim=1)
    if how == "median":
        return flat.median(dim=1).values
    if how == "max":
        return flat.amax(dim=1)
    worst = max(1, round(_WORST_SHARE[how] * flat.shape[1]))
    return flat.topk(worst, dim=1).values.mean(dim=1)


def score_maps(maps: tuple[Float[Tensor, "batch _rows _columns"], ...], how: Pool) -> Evidence:
    """Score images by the logarithm of their pooled maps, averaged over the scales.

    Distances have heavy tails, which would dominate every later average and clustering; their logarithms do not.
    """
    pooled = torch.stack([pool(grid, how) for grid in maps])
    return Evidence(score=torch.log(pooled + 1e-6).mean(dim=0), maps=maps)
