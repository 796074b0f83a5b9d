"""From the likelihood at each place to maps and a score."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unoqa.core.evidence import Evidence
from unoqa.lowquality.parts.pooling import Pool, pool

MapKind = Literal["prob", "energy", "log-energy"]
"""What a map holds at each place, from its log-likelihood ℓ a channel and the best one m of outstanding images.

`prob`: 1 - exp(min(0, ℓ - m)), the paper's p turned so that higher = worse, bounded; CFLOW-AD takes m from all test
images, here it is stored from training. `energy`: -log σ(ℓ), the training loss, linear in the tail. `log-energy`:
log(1 + 100 max(0, m - ℓ)), which grows as the paper's p sinks but does not let the tail rule.
"""

FINE = 100.0
"""Inverse of the log-likelihood, in nats a channel, below which `log-energy` is linear: well below its spread over
outstanding fibres."""


def likelihood_map(
    likelihood: Float[Tensor, "batch rows columns"], best: float, kind: MapKind
) -> Float[Tensor, "batch rows columns"]:
    """Turn a map of log-likelihoods into one where higher = worse, never negative."""
    if kind == "energy":
        return -functional.logsigmoid(likelihood)  # softplus gives other last bits alone than in company
    short = (best - likelihood).clamp_min(0)
    return -torch.expm1(-short) if kind == "prob" else torch.log1p(FINE * short)


def likelihood_evidence(maps: tuple[Tensor, ...], channels: tuple[int, ...], kind: MapKind, how: Pool) -> Evidence:
    """Score images by their pooled maps, averaged over the scales in proportion to their channels.

    ℓ is per channel, so a scale weighs as its whole log-likelihood does. Of energies, whose tail is heavy, the
    logarithm is averaged.
    """
    pooled = torch.stack([pool(grid, how) for grid in maps])
    weights = torch.tensor(channels, dtype=pooled.dtype, device=pooled.device).unsqueeze(1) / sum(channels)
    values = torch.log(pooled + 1e-6) if kind == "energy" else pooled
    return Evidence(score=(weights * values).sum(dim=0), maps=maps)
