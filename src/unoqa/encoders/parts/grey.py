"""Grey images for networks that learned from colours."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
class Colours(nn.Module):
    """Repeats grey to three channels, and normalises each as the network's weights were trained."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))

    def forward(self, grey: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch 3 rows columns"]:
        """Return the three channels."""
        colours = (grey.expand(-1, 3, -1, -1) - self.mean) / self.std
        return colours.contiguous(memory_format=torch.channels_last)


@final
class GreyAndInside(nn.Module):
    """Puts a channel of ones beside grey: beyond the edges, where convolutions read zeros, both are 0."""

    def forward(self, grey: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch 2 rows columns"]:
        """Return the two channels."""
        batch, _, rows, columns = grey.shape
        both = torch.empty(batch, 2, rows, columns, memory_format=torch.channels_last).fill_(1)
        both[:, :1] = grey
        return both


def of_grey(convolution: nn.Conv2d, colours: Colours) -> nn.Conv2d:
    """Return what gives the same of grey and inside as a convolution gives of colours, in two thirds of the sums.

    A weight w of (grey - mean) / std, summed over the colours, is one of grey, Σ w / std, and one of inside,
    -Σ w · mean / std.
    """
    weight = convolution.weight.detach().double() / colours.std
    grey_and_inside = torch.cat([weight.sum(1, keepdim=True), -(weight * colours.mean).sum(1, keepdim=True)], dim=1)
    changed = copy.deepcopy(convolution)
    changed.in_channels = 2
    changed.weight = nn.Parameter(grey_and_inside.to(convolution.weight.dtype), requires_grad=False)
    return changed
