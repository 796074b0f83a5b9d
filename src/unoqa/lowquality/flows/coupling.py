"""One step of a normalising flow: the affine coupling block, on fibres and on grids alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

SOFT = 0.1
"""What a subnet's output is multiplied by: a small step at first."""

UNIT_GAIN = 2 * math.log(math.exp(5) - 1)
"""The gain's parameter at which SOFT · softplus(·, β = ½) is 1."""


@final
class Coupling(nn.Module):
    """x_B ← x_B · exp(s) + t with (s, t) computed from x_A, then a learned gain and offset of each channel.

    Dinh, Sohl-Dickstein, Bengio 2017 (Real NVP, equations 7 and 8) with the soft clamp s = α tanh(·) and the gain of
    CFLOW-AD (Gudovskiy et al. 2022). Where others permute channels between blocks, a block here only remembers which
    channels it reads (A) and which it changes (B): no channel moves, no matrix is multiplied, and neither the norm of
    the latent nor the determinant depends on their order. `rotation`, where given, turns all channels first.

    Args:
        subnet: makes the network from |A| to 2 |B| channels.
        clamp: α, the largest logarithm of a scale.
    """

    reads: Tensor
    changes: Tensor
    rotation: Tensor | None

    def __init__(
        self,
        reads: Int[Tensor, " reads"],
        changes: Int[Tensor, " changes"],
        subnet: Callable[[int, int], nn.Module],
        *,
        clamp: float,
        rotation: Float[Tensor, "channels channels"] | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("reads", reads)
        self.register_buffer("changes", changes)
        self.register_buffer("rotation", rotation)
        self.subnet = subnet(len(reads), 2 * len(changes))
        self.gain = nn.Parameter(torch.full((len(reads) + len(changes),), UNIT_GAIN))
        self.offset = nn.Parameter(torch.zeros(len(reads) + len(changes)))
        self._clamp = clamp

    def forward(self, x: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        """Transform channels (dimension 1).

        Returns:
            the transformed channels, and the logarithm of the absolute determinant, a number per place.
        """
        if self.rotation is not None:
            x = multiplied(x, self.rotation)
        scale, shift = self._scale_and_shift(x.index_select(1, self.reads), places)
        changed = torch.addcmul(shift, x.index_select(1, self.changes), scale.exp())
        gain = self._gain()
        y = x.index_copy(1, self.changes, changed)
        y = torch.addcmul(_per_channel(self.offset, x), y, _per_channel(gain, x))
        return y, scale.sum(dim=1) + gain.log().sum()

    def inverse(self, y: Tensor, places: Tensor | None) -> Tensor:
        """Undo `forward`."""
        x = (y - _per_channel(self.offset, y)) / _per_channel(self._gain(), y)
        scale, shift = self._scale_and_shift(x.index_select(1, self.reads), places)
        former = (x.index_select(1, self.changes) - shift) * (-scale).exp()
        x = x.index_copy(1, self.changes, former)
        return x if self.rotation is None else multiplied(x, self.rotation.T)

    def _scale_and_shift(self, read: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run the subnet in whichever precision is cast to; scales and determinants stay in that of the fibres."""
        found = self.subnet(read) if places is None else self.subnet(read, places)
        scale, shift = (SOFT * found.to(read.dtype)).chunk(2, dim=1)
        return self._clamp * torch.tanh(scale), shift

    def _gain(self) -> Float[Tensor, " channels"]:
        return SOFT * functional.softplus(self.gain, beta=0.5)


def halves(channels: int, generator: torch.Generator) -> tuple[Int[Tensor, " reads"], Int[Tensor, " changes"]]:
    """Deal channels at random into those read and those changed; of an odd number more are read."""
    dealt = torch.randperm(channels, generator=generator)
    read = channels - channels // 2
    return dealt[:read].sort().values, dealt[read:].sort().values


def random_rotation(channels: int, generator: torch.Generator) -> Float[Tensor, "channels channels"]:
    """Draw a rotation evenly (Stewart 1980): the orthogonal factor of a Gaussian matrix, its signs made unique."""
    orthogonal, triangle = torch.linalg.qr(torch.randn(channels, channels, generator=generator, dtype=torch.float64))
    orthogonal = orthogonal * triangle.diagonal().sign()
    if torch.linalg.det(orthogonal) < 0:
        orthogonal[:, 0] = -orthogonal[:, 0]
    return orthogonal.float()


def multiplied(x: Tensor, matrix: Float[Tensor, "given channels"]) -> Tensor:
    """Multiply channels (dimension 1) by a matrix, in the precision of `x` whatever is cast to outside."""
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum("bc...,dc->bd...", x, matrix.to(x.dtype))


def _per_channel(values: Float[Tensor, " channels"], x: Tensor) -> Tensor:
    return values.reshape(1, -1, *[1] * (x.dim() - 2))
