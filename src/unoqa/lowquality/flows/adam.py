"""Adam for one array of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch.optim.adam import adam

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


@final
class Adam:
    """Adam (Kingma, Ba 2015) by torch's function of that name.

    Torch's class imports torch's compiler at its first use, which takes as long as training on 80 images.
    """

    def __init__(self, parameters: nn.Parameter, *, weight_decay: float) -> None:
        """`parameters` already has a gradient."""
        self._parameters = parameters
        self._weight_decay = weight_decay
        self._mean = torch.zeros_like(parameters)
        self._square = torch.zeros_like(parameters)
        self._steps = torch.zeros((), device=parameters.device)

    def zero_grad(self) -> None:
        """Set the gradient to zero in place: the network's parameters hold views of it."""
        assert self._parameters.grad is not None
        self._parameters.grad.zero_()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step along the current gradient."""
        assert self._parameters.grad is not None
        adam(
            [self._parameters],
            [self._parameters.grad],
            [self._mean],
            [self._square],
            [],
            [self._steps],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=self._weight_decay,
            eps=1e-8,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Return what the next step needs beside the parameters: the running moments and the number of steps."""
        return {"exp_avg": self._mean, "exp_avg_sq": self._square, "step": self._steps}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of another optimiser."""
        for name, array in self.state().items():
            array.copy_(state[name])
