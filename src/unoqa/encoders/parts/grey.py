"""Grey images, and how networks that were trained on colour images read them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

GreyImage = Float[np.ndarray, "rows columns"]
"""One value per pixel: a grey image, or a filtered version of one."""


@final
class Colours(nn.Module):
    """Repeats grey to three channels, and normalises each as in the training of the network's weights."""

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
    """Adds a channel of ones to grey: beyond the edges, where convolutions read zeros, both channels are 0."""

    def forward(self, grey: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch 2 rows columns"]:
        """Return the two channels."""
        batch, _, rows, columns = grey.shape
        both = torch.empty(batch, 2, rows, columns, memory_format=torch.channels_last).fill_(1)
        both[:, :1] = grey
        return both


def of_grey(convolution: nn.Conv2d, colours: Colours) -> nn.Conv2d:
    """Return a convolution of grey and ones that equals one of normalised colours, in two thirds of the products.

    The sum of w · (grey - mean) / std over the colours is Σ w / std · grey - Σ w · mean / std · 1.
    """
    weight = convolution.weight.detach().double() / colours.std
    grey_and_inside = torch.cat([weight.sum(1, keepdim=True), -(weight * colours.mean).sum(1, keepdim=True)], dim=1)
    changed = copy.deepcopy(convolution)
    changed.in_channels = 2
    changed.weight = nn.Parameter(grey_and_inside.to(convolution.weight.dtype), requires_grad=False)
    return changed
