"""Mean and covariance of vectors that stream by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
@dataclass
class Moments:
    """Running mean and scatter in float64, merged batch by batch (Chan, Golub, LeVeque 1979).

    Attributes:
        count: vectors seen.
        mean: their mean.
        scatter: the sum of outer products of their deviations.
    """

    count: int
    mean: Float[Tensor, " channels"]
    scatter: Float[Tensor, "channels channels"]

    @classmethod
    def empty(cls, channels: int, device: torch.device) -> Moments:
        """Start with no vector seen."""
        nothing = torch.zeros(channels, channels + 1, dtype=torch.float64, device=device)
        return cls(0, nothing[:, 0].clone(), nothing[:, 1:].clone())

    def add(self, vectors: Float[Tensor, "batch channels"]) -> None:
        """Take in a batch."""
        batch = vectors.double()
        fresh = batch.mean(dim=0)
        centred = batch - fresh
        total = self.count + len(batch)
        step = fresh - self.mean
        self.scatter += centred.T @ centred + torch.outer(step, step) * (self.count * len(batch) / total)
        self.mean = self.mean + step * (len(batch) / total)
        self.count = total

    def covariance(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return the covariance, shrunk towards its mean variance (Ledoit, Wolf 2004, equation 2)."""
        covariance = self.scatter / max(self.count, 1)
        variance = covariance.diagonal().mean()
        target = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
        return (1 - shrinkage) * covariance + (shrinkage * variance + 1e-9) * target

    def whitening(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return W with W Σ Wᵀ = I: the inverse of Σ's Cholesky factor."""
        factor = torch.linalg.cholesky(self.covariance(shrinkage))
        identity = torch.eye(len(factor), dtype=factor.dtype, device=factor.device)
        return torch.linalg.solve_triangular(factor, identity, upper=False)
