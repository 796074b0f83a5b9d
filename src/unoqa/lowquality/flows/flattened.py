"""A network's parameters as one array while it learns."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def flattened(network: nn.Module) -> Iterator[nn.Parameter]:
    """Lay all parameters into one array, and their gradients into another; afterwards each has its own again.

    An optimiser then takes one step in place of one a parameter. And an array as large as that is given back to the
    system when it is done with, where hundreds of smaller ones leave holes: several networks that learn one after the
    other would take twice the memory of one.
    """
    parameters = list(network.parameters())
    whole = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in parameters]))
    whole.grad = torch.zeros_like(whole)
    sizes = [parameter.numel() for parameter in parameters]
    values, slopes = torch.split(whole.detach(), sizes), torch.split(whole.grad, sizes)
    for parameter, value, slope in zip(parameters, values, slopes, strict=True):
        parameter.data = value.view_as(parameter)
        parameter.grad = slope.view_as(parameter)
    try:
        yield whole
    finally:
        for parameter in parameters:
            parameter.data = parameter.detach().clone()
            parameter.grad = None
