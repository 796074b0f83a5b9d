"""A coreset: a few vectors such that each of many is near one of them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unoqa.core.parallel import raise_if_cancelled

PROJECTED_CHANNELS = 128
"""Dimensions in which distances are compared, as in PatchCore's own code."""


def choose_coreset(vectors: Float[Tensor, "vectors channels"], size: int, *, seed: int) -> Int[Tensor, " size"]:
    """Choose the positions of a coreset by greedy k-centre (Gonzalez 1985): each next vector is the farthest one.

    Distances are those of a random projection (Johnson, Lindenstrauss 1984). The distance to the nearest chosen
    vector is updated in place, so that a step costs one product and no copy of the vectors.
    """
    if size >= len(vectors):
        return torch.arange(len(vectors), device=vectors.device)
    points = _project(vectors, seed)
    norms = points.square().sum(dim=1)
    nearest = torch.full_like(norms, torch.inf)
    chosen = torch.empty(size, dtype=torch.int64, device=vectors.device)
    chosen[0] = int(torch.randint(len(vectors), (1,), generator=torch.Generator().manual_seed(seed)))
    for step in range(1, size):
        raise_if_cancelled()
        last = chosen[step - 1]
        distance = torch.addmv(norms, points, points[last], alpha=-2).add_(norms[last])
        torch.minimum(nearest, distance, out=nearest)
        chosen[step] = nearest.argmax()
    return chosen


def _project(vectors: Tensor, seed: int) -> Float[Tensor, "vectors projected"]:
    channels = vectors.shape[1]
    if channels <= PROJECTED_CHANNELS:
        return vectors.float()
    generator = torch.Generator().manual_seed(seed)
    projection = torch.randn(channels, PROJECTED_CHANNELS, generator=generator).to(vectors.device)
    projection = projection / PROJECTED_CHANNELS**0.5
    return torch.cat([part.float() @ projection for part in torch.split(vectors, 8192)])
