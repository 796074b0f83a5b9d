"""Convolutions on a processor: by fewer products where that pays, else as torch's own compiler has oneDNN do them."""

from __future__ import annotations

import threading
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unoqa.core.parallel import limit_to_one_thread
from unoqa.encoders.parts.winograd import SMALLEST_SIDE, Winograd, pays

_IN_TURN = threading.Lock()


def has_onednn() -> bool:
    """Tell whether torch was built with oneDNN of its own kernels, and has the functions that are used here.

    On ARM it has Arm's Compute Library convolve, which torch's own compiler does not ask for what is asked for here.
    """
    wanted = ("_convolution_pointwise", "_reorder_convolution_weight")
    if not torch._C._has_mkldnn or not all(hasattr(torch.ops.mkldnn, name) for name in wanted):
        return False
    of_arm = getattr(torch.ops.mkldnn, "_is_mkldnn_acl_supported", None)
    return of_arm is None or not of_arm()


@final
class Convolution(nn.Module):
    """A convolution, a residual added where one is given, and a ReLU where it is wanted, in one pass.

    Its weights are laid out for the size of the first features that come; other sizes are convolved too, more slowly.
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(self, plain: nn.Conv2d, *, with_relu: bool) -> None:
        super().__init__()
        self.register_buffer("weight", plain.weight.detach())
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())
        assert not isinstance(plain.padding, str), "such are not replaced"
        self._window = (plain.padding, plain.stride, plain.dilation, plain.groups)
        self._kernel = plain.kernel_size
        self._kernels = plain.out_channels
        self._with_relu = with_relu
        self._few_products = pays(plain)
        self._laid_out: Tensor | Winograd | None = None

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"], residual: Tensor | int | float | None = None
    ) -> Float[Tensor, "batch kernels _rows _columns"]:
        """Convolve; a residual of another shape, which is repeated over places or kernels, is added afterwards.

        So is one that is no array in single precision.
        """
        weight = self._laid_out if self._laid_out is not None else self._lay_out(features)
        if isinstance(weight, Winograd):
            return self._finished(weight(features), residual)
        convolve = torch.ops.mkldnn._convolution_pointwise
        relu = "relu" if self._with_relu else None
        if residual is None:
            return convolve(features, weight, self.bias, *self._window, relu or "none", [], "")
        if self._alike(residual, features):
            return convolve.binary(features, residual, weight, self.bias, *self._window, "add", 1.0, relu, [], "")
        return self._finished(convolve(features, weight, self.bias, *self._window, "none", [], ""), residual)

    def _finished(self, convolved: Tensor, residual: Tensor | int | float | None) -> Tensor:
        total = convolved if residual is None else convolved + residual
        return total.relu_() if self._with_relu else total

    def _alike(self, residual: Tensor | int | float, features: Tensor) -> bool:
        """Tell whether a residual is of the shape and precision that the convolution gives."""
        if not isinstance(residual, Tensor) or residual.dtype != features.dtype:
            return False
        padding, stride, dilation, _ = self._window
        sides = zip(features.shape[2:], self._kernel, padding, stride, dilation, strict=True)
        reached = [(side + 2 * pad - apart * (kernel - 1) - 1) // step + 1 for side, kernel, pad, step, apart in sides]
        return residual.shape == (features.shape[0], self._kernels, *reached)

    def _lay_out(self, features: Tensor) -> Tensor | Winograd:
        """Lay the weights out as they are read, and let go of them as they were; one thread does, others wait.

        They are laid out for one thread of torch, which is what images are encoded on.
        """
        with _IN_TURN, limit_to_one_thread():
            if self._laid_out is None:
                assert self.weight is not None, "it is let go of below"
                shape = list(features.shape)
                if self._few_products and min(features.shape[2:]) >= SMALLEST_SIDE:
                    self._laid_out = Winograd(self.weight, self.bias, shape)
                else:
                    self._laid_out = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *self._window, shape)
                self.weight = None
            return self._laid_out
