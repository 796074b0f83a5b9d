"""FastFlow: a two-dimensional normalising flow over whole grids."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unoqa.core.settings import settings
from unoqa.lowquality.flows.flow import Flow, make_couplings
from unoqa.lowquality.flows.module import Clamp, FlowModule, Neighbourhood, Patience
from unoqa.lowquality.flows.sampler import sample_images, steps_per_epoch
from unoqa.lowquality.flows.training import Objective, Schedule

if TYPE_CHECKING:
    from unoqa.core.features import FeatureSet
    from unoqa.lowquality.flows.coupling import Coupling
    from unoqa.lowquality.flows.fitted import Inference, LatentAndLikelihood


@final
@settings
class Fastflow(FlowModule):
    """Likelihood of each position by a flow whose subnets are convolutions (Yu et al. 2021, arXiv 2111.07677).

    Blocks with kernels of 3×3 and 1×1 alternate, so the likelihood of a position depends on its surroundings. The loss
    is the mean negative log-likelihood per channel. With longer training the likelihood improves and the ranking of
    images gets worse, so training stops when the loss of held-out images no longer falls. Channels are whitened first.
    The published flow uses LayerNorm over a whole grid instead, which ties a model to one image size (`start =
    "layer-norm"`). Recipe `paper-fastflow-original` has the published training. Higher = further from outstanding.

    Example:
        >>> Fastflow(epochs=500, patience=0, start="layer-norm").blocks
        8
    """

    neighbourhood: Neighbourhood = 1
    clamp: Clamp = 2.0
    patience: Patience = 2
    width: Annotated[float, Field(gt=0, le=64, description="hidden channels, in multiples of the input channels")] = 1.0
    epochs: Annotated[int, Field(ge=0, description="maximum number of passes over all images; 0: none")] = 8
    batch: Annotated[int, Field(ge=1, le=10_000, description="images per step")] = 8
    weight_decay: Annotated[float, Field(ge=0, description="weight decay of Adam")] = 1e-5

    method: ClassVar[str] = "FastFlow"

    def _make_couplings(self, channels: int, seed: int) -> list[Coupling]:
        return make_couplings(channels, self.blocks, partial(_Subnet, width=self.width), clamp=self.clamp, seed=seed)

    def _make_objective(
        self, network: Flow, train_set: FeatureSet, held_out_set: FeatureSet, *, seed: int
    ) -> Objective:
        def compute_loss(step: int) -> Tensor:
            return self._compute_loss(network, sample_images(train_set, step, batch=self.batch, seed=seed))

        return Objective(
            f"{self.method} {train_set.scales[0].name}",
            loss=compute_loss,
            held_out_loss=lambda: self._compute_mean_loss(network, held_out_set),
            steps_per_pass=float(steps_per_epoch(len(train_set), self.batch)),
        )

    def untrained(self) -> Fastflow:
        """Return settings whose fit is this flow before its training."""
        return replace(self, epochs=0)

    def _count_steps(self, train_set: FeatureSet) -> int:
        return self.epochs * steps_per_epoch(len(train_set), self.batch)

    def _make_schedule(self, train_set: FeatureSet) -> Schedule:
        """Check the held-out loss once per epoch."""
        check_every = steps_per_epoch(len(train_set), self.batch)
        return replace(super()._make_schedule(train_set), weight_decay=self.weight_decay, check_every=check_every)

    def _make_inference(self, network: Flow) -> Inference:
        return partial(self._infer, network)

    def _compute_loss(self, network: Flow, grid: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        return -network.log_likelihood(self._prepare(grid)).mean()

    @torch.inference_mode()
    def _compute_mean_loss(self, network: Flow, features: FeatureSet) -> float:
        losses = [self._compute_loss(network, pyramid.scales[0]) for pyramid in features.batches(1)]
        return float(torch.stack(losses).mean())

    def _infer(self, network: Flow, grid: Float[Tensor, "batch channels rows columns"]) -> LatentAndLikelihood:
        """Infer image by image: torch chooses kernels by the shape of the batch, and their sums differ."""
        inferred = [network.infer(image) for image in torch.split(self._prepare(grid), 1)]
        latents, likelihoods = (torch.cat(part) for part in zip(*inferred, strict=True))
        return latents, likelihoods


@final
class _Subnet(nn.Module):
    """Two convolutions, with kernels of 3×3 in blocks of even number and 1×1 in the others."""

    def __init__(self, number: int, inputs: int, outputs: int, *, width: float) -> None:
        super().__init__()
        kernel = 3 if number % 2 == 0 else 1
        hidden = max(1, round(width * inputs))
        self.hidden = nn.Conv2d(inputs, hidden, kernel, padding="same")
        self.output = nn.Conv2d(hidden, outputs, kernel, padding="same")

    def forward(self, grid: Float[Tensor, "batch inputs rows columns"]) -> Tensor:
        """Return scale and shift at each position."""
        return self.output(functional.relu(self.hidden(grid)))
