"""From the likelihood at each position to maps and a score."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unoqa.core.evidence import Evidence
from unoqa.lowquality.parts.fibres import find_finest, join_scales
from unoqa.lowquality.parts.pooling import Pool, pool

MapKind = Literal["prob", "energy", "log-energy", "norm"]
"""What a map holds at each position, from the log-likelihood ℓ per channel and its maximum m over outstanding images.

`prob`: 1 - exp(min(0, ℓ - m)), which is 1 - p with the paper's p, so that higher = worse; between 0 and 1. CFLOW-AD
takes m from all test images; here m is stored when the module is fitted. `energy`: -log σ(ℓ), the training loss of
CFLOW, linear in the tail. `log-energy`: log(1 + 100 max(0, m - ℓ)), which grows as the paper's p falls but damps the
tail. `norm`: 1 - exp(-½ mean z²) over the channels of the latent z, without the determinant: the published FastFlow's.
"""

Join = Literal["scores", "maps"]
"""How the maps of several scales become one score. `scores`: each map is pooled, and each scale weighs by its channels.
`maps`: maps are enlarged to the finest grid and averaged, then pooled; so published flows do, at the image's size."""

LOG_ENERGY_SLOPE = 100.0
"""Slope of `log-energy` at m. It is linear for m - ℓ below 1/100 nat per channel, which is far below the spread of ℓ
over outstanding fibres."""


def make_likelihood_map(
    latent: Float[Tensor, "batch channels rows columns"],
    likelihood: Float[Tensor, "batch rows columns"],
    highest: float,
    kind: MapKind,
) -> Float[Tensor, "batch rows columns"]:
    """Turn a latent and its map of log-likelihoods into a map where higher = worse, never negative.

    Args:
        highest: m, the highest log-likelihood of outstanding images.
    """
    if kind == "norm":
        return -torch.expm1(-0.5 * latent.square().mean(dim=1))
    if kind == "energy":
        return -functional.logsigmoid(likelihood)  # the last bits of softplus depend on the size of the batch
    shortfall = (highest - likelihood).clamp_min(0)
    return -torch.expm1(-shortfall) if kind == "prob" else torch.log1p(LOG_ENERGY_SLOPE * shortfall)


def score_likelihood_maps(
    maps: tuple[Tensor, ...], channels: tuple[int, ...], kind: MapKind, how: Pool, join: Join
) -> Evidence:
    """Score images by their pooled maps, averaged over the scales in proportion to their channels.

    ℓ is per channel, so each scale weighs as in the whole log-likelihood. Energies have a heavy tail, so the logarithm
    of their pooled values is averaged. With `join` "maps" the mean of the enlarged maps is pooled instead.
    """
    if join == "maps":
        joined = join_scales([grid.unsqueeze(1) for grid in maps], find_finest(maps)).mean(dim=1)
        return Evidence(score=pool(joined, how), maps=maps)
    pooled = torch.stack([pool(grid, how) for grid in maps])
    weights = torch.tensor(channels, dtype=pooled.dtype, device=pooled.device).unsqueeze(1) / sum(channels)
    values = torch.log(pooled + 1e-6) if kind == "energy" else pooled
    return Evidence(score=(weights * values).sum(dim=0), maps=maps)
