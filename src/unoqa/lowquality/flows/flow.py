"""A normalising flow: maps features to a latent that is standard normal for outstanding images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unoqa.lowquality.flows.coupling import Coupling, draw_rotation, multiply_channels, split_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unoqa.lowquality.parts.moments import Moments


@final
class Whitening(nn.Module):
    """The fitted Gaussian as a layer: z = W (x - μ) / σ, so that outstanding fibres are uncorrelated with variance 1.

    A flow that begins with this layer, and whose couplings begin as the identity, begins as that Gaussian: the paper
    (section 2.3.1) initialises θ from "the Gaussian distribution fitted" to outstanding images.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, mean: Tensor, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("matrix", matrix)

    @classmethod
    def from_moments(cls, moments: Moments, *, shrinkage: float, correlated: bool) -> Whitening:
        """Use the Gaussian of running moments; `correlated` False standardises each channel by itself."""
        std = moments.std()
        whitening = moments.correlation_whitening(shrinkage) if correlated else torch.eye(len(std), dtype=std.dtype)
        return cls(moments.mean.float(), (whitening.to(std.device) / std).float())

    @classmethod
    def zeros_like(cls, mean: Tensor) -> Whitening:
        """Make a layer of zeros, to be filled from a saved model; it has the length and device of `mean`."""
        return cls(torch.zeros_like(mean), torch.zeros(len(mean), len(mean), device=mean.device))

    @property
    def channels(self) -> int:
        """Number of channels that the flow reads."""
        return len(self.mean)

    @property
    def device(self) -> torch.device:
        """Where the flow runs."""
        return self.mean.device

    def forward(self, x: Tensor) -> Tensor:
        """Whiten the channels (dimension 1) in the precision of `x`: small variation beside a large mean needs it."""
        return multiply_channels(x - self.mean.to(x.dtype).reshape(1, -1, *[1] * (x.dim() - 2)), self.matrix)

    def log_determinant(self) -> Tensor:
        """Return log |det W/σ|; the matrix is triangular."""
        return self.matrix.diagonal().abs().log().sum()


@final
class GridNorm(nn.Module):
    """LayerNorm over a whole grid, then a learned gain and offset for each number of it (Ba, Kiros, Hinton 2016).

    The published FastFlow begins so. It ties the flow to one grid size, and removes the mean and the contrast of an
    image's features, so a flow that begins so has no density of the features themselves.
    """

    def __init__(self, gain: Float[Tensor, "channels rows columns"]) -> None:
        super().__init__()
        self.gain = nn.Parameter(gain)
        self.offset = nn.Parameter(torch.zeros_like(gain))

    @property
    def channels(self) -> int:
        """Number of channels that the flow reads."""
        return len(self.gain)

    @property
    def device(self) -> torch.device:
        """Where the flow runs."""
        return self.gain.device

    def forward(self, x: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch channels rows columns"]:
        """Normalise each grid to mean 0 and variance 1 over all its numbers, then scale and shift."""
        return functional.layer_norm(x, self.gain.shape, self.gain, self.offset)

    def log_determinant(self) -> Tensor:
        """Return 0: the density is that of the normalised grid."""
        return torch.zeros((), device=self.device)


@final
class Flow(nn.Module):
    """A first layer (`Whitening` or `GridNorm`), then coupling blocks; the density is by the change of variables.

    Rezende, Mohamed 2015, equation 7.
    """

    whitening: Whitening | GridNorm

    def __init__(self, whitening: Whitening | GridNorm, couplings: list[Coupling]) -> None:
        super().__init__()
        self.whitening = whitening
        self._blocks = nn.ModuleList(couplings)

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """The coupling blocks, in the order in which features pass through them."""
        return tuple(cast("Iterable[Coupling]", self._blocks))

    def forward(self, x: Tensor, conditions: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return the latent, and the log-determinant of the couplings at each position.

        Args:
            conditions: one tensor per block, the second input of its subnet; empty for an unconditional flow.
        """
        z = self.whitening(x)
        total = torch.zeros_like(z[:, 0])
        for coupling, condition in zip(self.couplings, conditions or (None,) * len(self.couplings), strict=True):
            z, log_determinant = coupling(z, condition)
            total = total + log_determinant
        return z, total

    def inverse(self, z: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """Return the whitened features that the couplings map to the latent `z`."""
        blocks = list(zip(self.couplings, conditions or (None,) * len(self.couplings), strict=True))
        for coupling, condition in reversed(blocks):
            z = coupling.inverse(z, condition)
        return z

    def infer(self, x: Tensor, conditions: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return the latent, and ℓ = log p(whitened x) / C at each position: in nats per channel.

        The determinant of the whitening itself is left out. It is the same for every image, and without it ℓ does not
        depend on the unit of the features, so the bounded transforms of ℓ mean the same for every encoder.
        """
        z, log_determinant = self(x, conditions)
        channels = z.shape[1]
        log_normal = -0.5 * (z.square().sum(dim=1) + channels * math.log(2 * math.pi))
        return z, (log_normal + log_determinant) / channels

    def log_likelihood(self, x: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """Return ℓ alone."""
        return self.infer(x, conditions)[1]


def make_couplings(
    channels: int,
    count: int,
    make_subnet: Callable[[int, int, int], nn.Module],
    *,
    clamp: float,
    seed: int,
    rotate: bool = False,
) -> list[Coupling]:
    """Make coupling blocks; each splits the channels anew at random.

    Args:
        make_subnet: makes the network of a block from the block's number and its input and output channels.
        seed: decides the splits and the rotations.
        rotate: whether a fixed random rotation precedes each block (CFLOW-AD's soft permutation).
    """
    generator = torch.Generator().manual_seed(seed)
    blocks = []
    for number in range(count):
        passive, active = split_channels(channels, generator)
        rotation = draw_rotation(channels, generator) if rotate else None
        blocks.append(Coupling(passive, active, _bind_number(make_subnet, number), clamp=clamp, rotation=rotation))
    return blocks


def _bind_number(make_subnet: Callable[[int, int, int], nn.Module], number: int) -> Callable[[int, int], nn.Module]:
    return lambda inputs, outputs: make_subnet(number, inputs, outputs)
