"""One step of a normalising flow: the affine coupling block, for fibres and for grids alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

OUTPUT_SCALE = 0.1
"""Factor on a subnet's output, so that the first training steps are small."""

UNIT_GAIN = 2 * math.log(math.exp(5) - 1)
"""Value of the gain's parameter at which OUTPUT_SCALE · softplus(·, β = ½) is 1."""


@final
class Coupling(nn.Module):
    """x_B ← x_B · exp(s) + t with (s, t) computed from x_A, then a learned gain and offset per channel.

    Dinh, Sohl-Dickstein, Bengio 2017 (Real NVP, equations 7 and 8) with the soft clamp s = α tanh(·) and the gain of
    CFLOW-AD (Gudovskiy et al. 2022). A is the passive half of the channels, B the active one (FrEIA's words). Other
    implementations permute channels between blocks; here each block stores the indices of its two halves. No channel
    moves and no matrix is multiplied, and neither the norm of the latent nor the determinant depends on the order of
    channels. With `rotation`, all channels are multiplied by that matrix first.

    Args:
        passive: indices of the channels that the subnet reads.
        active: indices of the channels that the block transforms.
        make_subnet: makes the network from |A| input to 2 |B| output channels; its last child layer gives the output.
        clamp: α, the largest absolute value of s.
    """

    passive: Tensor
    active: Tensor
    rotation: Tensor | None

    def __init__(
        self,
        passive: Int[Tensor, " passive"],
        active: Int[Tensor, " active"],
        make_subnet: Callable[[int, int], nn.Module],
        *,
        clamp: float,
        rotation: Float[Tensor, "channels channels"] | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("passive", passive)
        self.register_buffer("active", active)
        self.register_buffer("rotation", rotation)
        self.subnet = make_subnet(len(passive), 2 * len(active))
        self.gain = nn.Parameter(torch.full((len(passive) + len(active),), UNIT_GAIN))
        self.offset = nn.Parameter(torch.zeros(len(passive) + len(active)))
        self._clamp = clamp

    @torch.no_grad()
    def reset_to_identity(self) -> None:
        """Set the subnet's last layer to zero, so that a new block without rotation returns its input."""
        *_, last = self.subnet.children()
        for parameter in last.parameters():
            parameter.zero_()

    def forward(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Transform the channels (dimension 1).

        Args:
            condition: second input of the subnet; None for a subnet with one input.

        Returns:
            the transformed channels, and the logarithm of the absolute determinant at each position.
        """
        if self.rotation is not None:
            x = multiply_channels(x, self.rotation)
        scale, shift = self._compute_scale_and_shift(x.index_select(1, self.passive), condition)
        transformed = torch.addcmul(shift, x.index_select(1, self.active), scale.exp())
        gain = self._compute_gain()
        y = x.index_copy(1, self.active, transformed)
        y = torch.addcmul(_align_channels(self.offset, x), y, _align_channels(gain, x))
        return y, scale.sum(dim=1) + gain.log().sum()

    def inverse(self, y: Tensor, condition: Tensor | None) -> Tensor:
        """Undo `forward`."""
        x = (y - _align_channels(self.offset, y)) / _align_channels(self._compute_gain(), y)
        scale, shift = self._compute_scale_and_shift(x.index_select(1, self.passive), condition)
        original = (x.index_select(1, self.active) - shift) * (-scale).exp()
        x = x.index_copy(1, self.active, original)
        return x if self.rotation is None else multiply_channels(x, self.rotation.T)

    def _compute_scale_and_shift(self, passive: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run the subnet, under autocast where that is on; scale and shift have the precision of the input."""
        output = self.subnet(passive) if condition is None else self.subnet(passive, condition)
        scale, shift = (OUTPUT_SCALE * output.to(passive.dtype)).chunk(2, dim=1)
        return self._clamp * torch.tanh(scale), shift

    def _compute_gain(self) -> Float[Tensor, " channels"]:
        return OUTPUT_SCALE * functional.softplus(self.gain, beta=0.5)


def split_channels(channels: int, generator: torch.Generator) -> tuple[Int[Tensor, " passive"], Int[Tensor, " active"]]:
    """Split channels at random into a passive and an active half; of an odd number, one more is passive."""
    order = torch.randperm(channels, generator=generator)
    passive = channels - channels // 2
    return order[:passive].sort().values, order[passive:].sort().values


def draw_rotation(channels: int, generator: torch.Generator) -> Float[Tensor, "channels channels"]:
    """Draw a rotation uniformly (Stewart 1980): the orthogonal factor of a Gaussian matrix, with unique signs."""
    orthogonal, triangle = torch.linalg.qr(torch.randn(channels, channels, generator=generator, dtype=torch.float64))
    orthogonal = orthogonal * triangle.diagonal().sign()
    if torch.linalg.det(orthogonal) < 0:
        orthogonal[:, 0] = -orthogonal[:, 0]
    return orthogonal.float().contiguous()  # as it comes back from a file


def multiply_channels(x: Tensor, matrix: Float[Tensor, "outputs channels"]) -> Tensor:
    """Multiply the channels (dimension 1) by a matrix, in the precision of `x`, also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum("bc...,dc->bd...", x, matrix.to(x.dtype))


def _align_channels(values: Float[Tensor, " channels"], x: Tensor) -> Tensor:
    """Reshape one value per channel so that it broadcasts over the other dimensions of `x`."""
    return values.reshape(1, -1, *[1] * (x.dim() - 2))
