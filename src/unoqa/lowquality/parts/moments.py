"""Running mean and covariance of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

SMALLEST_STD = 1e-4
"""Smallest standard deviation of a channel: below the rounding of half precision around 1."""


@final
@dataclass
class Moments:
    """Running mean and scatter in float64, merged batch by batch (Chan, Golub, LeVeque 1979).

    Attributes:
        count: number of vectors added.
        mean: their mean.
        scatter: the sum of the outer products of their deviations from the mean.
    """

    count: int
    mean: Float[Tensor, " channels"]
    scatter: Float[Tensor, "channels channels"]

    @classmethod
    def empty(cls, channels: int, device: torch.device) -> Moments:
        """Start without vectors."""
        zeros = torch.zeros(channels, channels + 1, dtype=torch.float64, device=device)
        return cls(0, zeros[:, 0].clone(), zeros[:, 1:].clone())

    def add(self, vectors: Float[Tensor, "batch channels"]) -> None:
        """Add a batch of vectors."""
        batch = vectors.double()
        batch_mean = batch.mean(dim=0)
        centred = batch - batch_mean
        total = self.count + len(batch)
        shift = batch_mean - self.mean
        self.scatter += centred.T @ centred + torch.outer(shift, shift) * (self.count * len(batch) / total)
        self.mean = self.mean + shift * (len(batch) / total)
        self.count = total

    def std(self) -> Float[Tensor, " channels"]:
        """Return the standard deviations, at least `SMALLEST_STD` each."""
        return torch.sqrt(self.scatter.diagonal() / max(self.count, 1)).clamp_min(SMALLEST_STD)

    def correlation_whitening(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return W with W R Wᵀ = I for the correlation matrix R, shrunk towards the identity.

        Ledoit, Wolf 2004, equation 2, on standardised channels; W is the inverse of R's Cholesky factor.
        """
        std = self.std()
        correlation = self.scatter / max(self.count, 1) / torch.outer(std, std)
        identity = torch.eye(len(std), dtype=std.dtype, device=std.device)
        return _invert_cholesky((1 - shrinkage) * correlation + (shrinkage + 1e-6) * identity)

    def covariance_whitening(self, shrinkage: float) -> Float[Tensor, "channels channels"]:
        """Return W with W ((1 - s) S + s m I) Wᵀ = I for shrinkage s, covariance S and the mean m of its diagonal.

        Ledoit, Wolf 2004, equation 2. Distances between vectors multiplied by Wᵀ are Mahalanobis distances where s
        is 0, and Euclidean distances up to a factor where s is 1.
        """
        covariance = self.scatter / max(self.count, 1)
        level = covariance.diagonal().mean().clamp_min(SMALLEST_STD**2)
        identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
        return _invert_cholesky((1 - shrinkage) * covariance + (shrinkage + 1e-6) * level * identity)


def _invert_cholesky(matrix: Float[Tensor, "channels channels"]) -> Float[Tensor, "channels channels"]:
    """Return the inverse of the Cholesky factor."""
    factor = torch.linalg.cholesky(matrix)
    identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    # Contiguous, as a file stores it: the last bits of a product depend on the layout in memory.
    return torch.linalg.solve_triangular(factor, identity, upper=False).contiguous()
