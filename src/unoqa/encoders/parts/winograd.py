"""Convolutions of three by three in a quarter of the products (Lavin and Gray 2016, after Winograd 1980).

What 4×4 pixels become depends on the 6×6 around them. Both are taken as values of polynomials at six points, a row and
a column at a time: 36 products for each pair of channels, where a convolution takes 144. To values and back is done
once for each channel, not once for each pair, so it pays where channels are many.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

POINTS = (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)
"""Where the polynomials are evaluated, beside infinity.

Reciprocals with either sign keep all powers small (Barabasz et al. 2020): a fifth of the error that 0, ±1, ±2 give.
"""

MADE, KERNEL, READ = 4, 3, 6
"""Sides of the square of pixels made at a time, of the kernel, and of the square that is read for it."""

FEWEST_CHANNELS = 96
"""Of fewer, values take as long as products save."""

MOST_PAIRS = 2**17
"""Pairs of channels up to which it is done: weights take four times the memory, so those of 512 channels 38 MB a layer.

A Wide-ResNet-50 would hold 150 MB more, which the paper's setting does not have within its 4 GB.
"""

_POINT_BY_POINT = ((0, 0), (1, 1), (1, 1), READ**2)
"""Padding, stride, dilation and groups of the convolution that multiplies."""

SMALLEST_SIDE = 16
"""On smaller features, reading 36 values of each weight in place of 9 takes as long as is saved."""


def pays(convolution: nn.Conv2d) -> bool:
    """Tell whether a convolution is of the kind that is quicker so, on features that are not small."""
    window = (convolution.kernel_size, convolution.stride, convolution.padding, convolution.dilation)
    plain = window == ((KERNEL, KERNEL), (1, 1), (1, 1), (1, 1)) and convolution.groups == 1
    channels, kernels = convolution.in_channels, convolution.out_channels
    return plain and min(channels, kernels) >= FEWEST_CHANNELS and channels * kernels <= MOST_PAIRS


@final
class Winograd:
    """A convolution of three by three that goes on by one pixel, with zeros around.

    The products at each of the 36 points are a group of a convolution of one by one: of that, oneDNN adds the terms in
    one order whatever the width of a processor's vectors is. A product of matrices by MKL takes as long, and its last
    bits differ.
    """

    def __init__(
        self,
        weight: Float[Tensor, "kernels channels 3 3"],
        bias: Float[Tensor, " kernels"] | None,
        shape: Sequence[int],
    ) -> None:
        """Lay weights out for features of a shape; those of others are convolved too, more slowly."""
        of_tiles, of_weights, of_products = transforms()
        values = of_weights @ weight.double().permute(2, 3, 0, 1).reshape(KERNEL**2, -1)
        grouped = values.to(weight.dtype).reshape(-1, weight.shape[1], 1, 1)
        tiles = shape[0] * math.ceil(shape[2] / MADE) * math.ceil(shape[3] / MADE)
        line = [1, READ**2 * weight.shape[1], 1, tiles]
        self._weights = torch.ops.mkldnn._reorder_convolution_weight(grouped, *_POINT_BY_POINT, line)
        self._of_tiles, self._of_products = of_tiles.to(weight.dtype), of_products.to(weight.dtype)
        self._bias = torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias

    def __call__(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch kernels rows columns"]:
        """Convolve features that lie channels last; so do those returned."""
        rows, columns = features.shape[2:]
        tiles = _tiles(features)
        batch, down, across, _, _, channels = tiles.shape
        made = self._of_products @ self._products(self._of_tiles @ tiles.reshape(-1, READ**2, channels))
        squares = made.view(batch, down, across, MADE, MADE, -1).transpose(2, 3) + self._bias
        pixels = squares.reshape(batch, down * MADE, across * MADE, -1)
        return pixels[:, :rows, :columns].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def _products(self, values: Float[Tensor, "tiles 36 channels"]) -> Float[Tensor, "tiles 36 kernels"]:
        """Multiply, as of one line of tiles whose channels are those of all points."""
        line = values.reshape(1, 1, len(values), -1).permute(0, 3, 1, 2)
        convolve = torch.ops.mkldnn._convolution_pointwise
        products: Tensor = convolve(line, self._weights, None, *_POINT_BY_POINT, "none", [], "")
        return products.permute(0, 2, 3, 1).reshape(len(values), READ**2, -1)


def _tiles(features: Tensor) -> Float[Tensor, "batch down across 6 6 channels"]:
    """Return the overlapping squares that are read, zeros where they reach beyond the features."""
    rows, columns = features.shape[2:]
    beyond = (1, 1 - columns % -MADE, 1, 1 - rows % -MADE)
    around = nn.functional.pad(features, beyond)
    return around.unfold(2, READ, MADE).unfold(3, READ, MADE).permute(0, 2, 3, 4, 5, 1)


@final
class Transforms(NamedTuple):
    """What takes a square read, a kernel's weights, and products, to values and back."""

    of_tiles: Float[Tensor, "36 36"]
    of_weights: Float[Tensor, "36 9"]
    of_products: Float[Tensor, "16 36"]


@cache
def transforms() -> Transforms:
    """Return the matrices of Toom and Cook for the points, for rows and columns at once.

    By transposition of the product of two polynomials, whose values at the points are those of the factors multiplied
    (Lavin and Gray 2016, section 4).
    """
    points = np.array(POINTS)
    powers = np.vander(points, MADE, increasing=True)
    others = [np.delete(points, number) for number in range(len(points))]
    apart = [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
    of_tiles, of_weights = np.zeros((READ, READ)), np.zeros((READ, KERNEL))
    of_products = np.zeros((MADE, READ))
    of_tiles[:-1, :-1] = [np.poly(rest)[::-1] for rest in others]
    of_tiles[-1] = np.poly(points)[::-1]
    of_weights[:-1] = powers[:, :KERNEL] / np.array(apart)[:, None]
    of_weights[-1, -1] = 1
    of_products[:, :-1] = powers.T
    of_products[-1, -1] = 1
    return Transforms(*(torch.from_numpy(np.kron(one, one)) for one in (of_tiles, of_weights, of_products)))
