"""Adam of one array."""

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

    Its class would import torch's compiler when first used, which takes as long as learning from 80 images.
    """

    def __init__(self, parameters: nn.Parameter, *, decay: float) -> None:
        """`parameters` has a gradient; `decay` is the weight decay."""
        self._parameters = parameters
        self._decay = decay
        self._mean = torch.zeros_like(parameters)
        self._square = torch.zeros_like(parameters)
        self._steps = torch.zeros((), device=parameters.device)

    def clear_gradient(self) -> None:
        """Set the gradient to zero, in its place: parts of it belong to others."""
        assert self._parameters.grad is not None
        self._parameters.grad.zero_()

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take one step of size `rate` by the gradient there is."""
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
            lr=rate,
            weight_decay=self._decay,
            eps=1e-8,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Return what the next step depends on beside the array: running moments, and the steps taken."""
        return {"exp_avg": self._mean, "exp_avg_sq": self._square, "step": self._steps}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up where the optimiser that gave `state` stood."""
        for name, array in self.state().items():
            array.copy_(state[name])
