"""A frozen network that torch runs: on a graphics card, or on a processor where the network has no graph."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unoqa.core.errors import UsageError
from unoqa.core.precision import Precision, find_usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.encoders.parts.grey import GreyImage, GreyNetwork

_CUDNN_LOCK = threading.Lock()
"""Held while cuDNN's flags, which are global to the process, are changed."""


@final
class TorchNetwork:
    """A network on a device, in channels-last format: in it processors convolve up to twice as fast."""

    def __init__(self, network: GreyNetwork, device: torch.device, precision: Precision = "single") -> None:
        """Prepare to run in the precision, as far as the device can; features are in single precision."""
        self._network = network.to(device).to(memory_format=torch.channels_last)
        self._device = device
        if find_usable(precision, device) == "bfloat16":
            _multiply_in_bfloat16(network.network)

    @torch.inference_mode()
    def __call__(self, image: GreyImage) -> list[Float[Tensor, "1 _rows _columns _channels"]]:
        """Return the features of one image at each level.

        Raises:
            UsageError: the network does not accept images of this size.
        """
        grey = torch.from_numpy(image).to(self._device)[None, None]
        with refuse_size(image.shape), _use_full_precision(self._device):
            return [level.float() for level in self._network(grey)]


def _multiply_in_bfloat16(network: nn.Module) -> None:
    """Round the weights of a network, and what it is given: the image is normalised before, in single precision."""
    network.bfloat16().register_forward_pre_hook(lambda _, given: tuple(image.bfloat16() for image in given))


@contextmanager
def refuse_size(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn the error of a network that takes images of other sizes only, as some transformers do, into a sentence."""
    try:
        yield
    except AssertionError as error:
        raise UsageError(
            f"The encoder does not accept images of {shape[0]}×{shape[1]} pixels; set another 'size' in the recipe."
        ) from error


@contextmanager
def _use_full_precision(device: torch.device) -> Iterator[None]:
    """Let an accelerator convolve in full single precision; TF32 would change scores.

    The flags are global to the process, so one thread at a time sets them and restores them.
    """
    if device.type == "cpu":
        yield
        return
    with _CUDNN_LOCK, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
