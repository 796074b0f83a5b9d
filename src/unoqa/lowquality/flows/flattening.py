"""The parameters of a network as one array during training."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def flatten_parameters(network: nn.Module) -> Iterator[nn.Parameter]:
    """Lay all parameters into one array and their gradients into another; afterwards each has its own memory again.

    An optimiser then takes one step instead of one per parameter. An array of that size also returns its memory to the
    system when it is freed. Hundreds of smaller arrays leave holes, and several networks trained one after the other
    would take twice the memory of one.
    """
    parameters = list(network.parameters())
    flat = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [parameter.numel() for parameter in parameters]
    values, gradients = torch.split(flat.detach(), sizes), torch.split(flat.grad, sizes)
    for parameter, value, gradient in zip(parameters, values, gradients, strict=True):
        parameter.data = value.view_as(parameter)
        parameter.grad = gradient.view_as(parameter)
    try:
        yield flat
    finally:
        for parameter in parameters:
            parameter.data = parameter.detach().clone()
            parameter.grad = None
