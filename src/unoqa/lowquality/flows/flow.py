"""A normalising flow: from features to a latent that is standard normal where the features are outstanding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast, final

import torch
from torch import Tensor, nn

from unoqa.lowquality.flows.coupling import Coupling, halves, multiplied, random_rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unoqa.lowquality.parts.moments import Moments


@final
class Whitening(nn.Module):
    """The fitted Gaussian as a layer: z = W (x - μ) / σ, by which outstanding fibres are uncorrelated with variance 1.

    A flow that begins with it, and whose couplings begin at the identity, begins as that Gaussian: the paper
    (section 2.3.1) initialises θ from "the Gaussian distribution fitted" to outstanding images.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, mean: Tensor, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("matrix", matrix)

    @classmethod
    def of(cls, moments: Moments, *, shrinkage: float, correlated: bool) -> Whitening:
        """Take the Gaussian of running moments; of the channels one by one where they are not to be decorrelated."""
        spread = moments.spread()
        whitening = moments.whitening(shrinkage) if correlated else torch.eye(len(spread), dtype=spread.dtype)
        return cls(moments.mean.float(), (whitening.to(spread.device) / spread).float())

    @classmethod
    def blank_like(cls, mean: Tensor) -> Whitening:
        """Make one that is to be filled from a saved model."""
        return cls(torch.zeros_like(mean), torch.zeros(len(mean), len(mean), device=mean.device))

    def forward(self, x: Tensor) -> Tensor:
        """Whiten channels (dimension 1), in the precision of `x`: what varies little is small beside its mean."""
        return multiplied(x - self.mean.to(x.dtype).reshape(1, -1, *[1] * (x.dim() - 2)), self.matrix)

    def log_determinant(self) -> Tensor:
        """Return log |det W/σ|; the matrix is triangular."""
        return self.matrix.diagonal().abs().log().sum()


@final
class Flow(nn.Module):
    """Whitening, then coupling blocks; the density by the change of variables (Rezende, Mohamed 2015, equation 7)."""

    whitening: Whitening

    def __init__(self, whitening: Whitening, couplings: list[Coupling]) -> None:
        super().__init__()
        self.whitening = whitening
        self._blocks = nn.ModuleList(couplings)

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """The blocks, in the order in which features pass them."""
        return tuple(cast("Iterable[Coupling]", self._blocks))

    def forward(self, x: Tensor, places: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return the latent, and the log-determinant of the couplings at each place.

        Args:
            places: for each block, what the condition adds to its subnet's first layer; empty where there is none.
        """
        z = self.whitening(x)
        total = torch.zeros_like(z[:, 0])
        for coupling, place in zip(self.couplings, places or (None,) * len(self.couplings), strict=True):
            z, logarithm = coupling(z, place)
            total = total + logarithm
        return z, total

    def whitened(self, z: Tensor, places: Sequence[Tensor] = ()) -> Tensor:
        """Return what the couplings made the latent from: whitened features."""
        blocks = list(zip(self.couplings, places or (None,) * len(self.couplings), strict=True))
        for coupling, place in reversed(blocks):
            z = coupling.inverse(z, place)
        return z

    def latent_and_likelihood(self, x: Tensor, places: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return the latent, and ℓ = log p(whitened x) / C at each place: in nats a channel.

        The whitening's own determinant is left out: it is the same for every image, and without it ℓ does not
        depend on the unit of the features, so that its bounded transforms mean the same for every encoder.
        """
        z, total = self(x, places)
        channels = z.shape[1]
        normal = -0.5 * (z.square().sum(dim=1) + channels * math.log(2 * math.pi))
        return z, (normal + total) / channels

    def log_likelihood(self, x: Tensor, places: Sequence[Tensor] = ()) -> Tensor:
        """Return ℓ alone."""
        return self.latent_and_likelihood(x, places)[1]


def couplings(
    channels: int,
    count: int,
    subnet: Callable[[int, int, int], nn.Module],
    *,
    clamp: float,
    seed: int,
    rotated: bool = False,
) -> list[Coupling]:
    """Make coupling blocks, each with channels dealt anew by the seed.

    Args:
        subnet: makes the network of a block from its number, the channels it reads and those it gives.
        rotated: whether a fixed random rotation goes before each block (CFLOW-AD's soft permutation).
    """
    generator = torch.Generator().manual_seed(seed)
    blocks = []
    for number in range(count):
        reads, changes = halves(channels, generator)
        rotation = random_rotation(channels, generator) if rotated else None
        made = _subnet_of_block(subnet, number)
        blocks.append(Coupling(reads, changes, made, clamp=clamp, rotation=rotation))
    return blocks


def _subnet_of_block(subnet: Callable[[int, int, int], nn.Module], number: int) -> Callable[[int, int], nn.Module]:
    return lambda reads, gives: subnet(number, reads, gives)
