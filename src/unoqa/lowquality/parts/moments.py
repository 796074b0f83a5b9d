"""Mean and covariance of vectors that stream by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST_SPREAD = 1e-4
"""Below the rounding of half precision around 1."""


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

    def spread(self) -> Float[Tensor, " channels"]:
        """Return the standard deviations; a channel that never varied has the smallest that counts."""
        return torch.sqrt(self.scatter.diagonal() / max(self.count, 1)).clamp_min(SMALLEST_SPREAD)

    def whitening(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return W with W R Wᵀ = I for the correlation matrix R, shrunk towards the identity.

        Ledoit, Wolf 2004, equation 2, on standardised channels; W is the inverse of R's Cholesky factor.
        """
        spread = self.spread()
        correlation = self.scatter / max(self.count, 1) / torch.outer(spread, spread)
        identity = torch.eye(len(spread), dtype=spread.dtype, device=spread.device)
        return _inverse_factor((1 - shrinkage) * correlation + (shrinkage + 1e-6) * identity)

    def metric(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return W with W ((1 - s) S + s m I) Wᵀ = I for the covariance S and the mean m of its diagonal.

        Ledoit, Wolf 2004, equation 2. Distances of vectors times Wᵀ are Mahalanobis's where s is 0 and, but for a
        factor, Euclid's where it is 1.
        """
        covariance = self.scatter / max(self.count, 1)
        level = covariance.diagonal().mean().clamp_min(SMALLEST_SPREAD**2)
        identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
        return _inverse_factor((1 - shrinkage) * covariance + (shrinkage + 1e-6) * level * identity)


def _inverse_factor(matrix: Float[Tensor, "channels channels"]) -> Float[Tensor, "channels channels"]:
    """Return the inverse of the Cholesky factor."""
    factor = torch.linalg.cholesky(matrix)
    identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    # A product's sums depend on the layout too, and a file keeps one only.
    return torch.linalg.solve_triangular(factor, identity, upper=False).contiguous()
