"""Grey images, and how a network that was trained on colour images reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

GreyImage = Float[np.ndarray, "rows columns"]
"""One value per pixel: a grey image, or a filtered version of one."""


@final
class GreyNetwork(nn.Module):
    """A network for colour images that takes grey: repeated to three channels, normalised as in its training.

    It returns each level of features with the channels as the last dimension, in which all that follows reads them.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float], *, channels_last: bool) -> None:
        """`channels_last` tells whether the network itself returns channels as the last dimension."""
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self._channels_last = channels_last

    def forward(
        self, grey: Float[Tensor, "1 1 rows columns"]
    ) -> tuple[Float[Tensor, "1 _rows _columns _channels"], ...]:
        """Return the features of each level."""
        colours = (grey.expand(-1, 3, -1, -1) - self.mean) / self.std
        features = self.network(colours)
        return tuple(level if self._channels_last else level.permute(0, 2, 3, 1) for level in features)
