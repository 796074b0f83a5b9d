"""FastFlow: a two-dimensional normalising flow over whole grids."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unoqa.core.contracts import NO_WORK, LowQualityModule
from unoqa.core.features import FeatureSet, Scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.flows.fitted import (
    Asked,
    FittedFlows,
    ScaleFlow,
    best_likelihood,
    fit_flows,
    restore_flows,
    rounded,
)
from unoqa.lowquality.flows.flow import Flow, Whitening, couplings
from unoqa.lowquality.flows.initialisation import Start, at_least_two_channels, seeded, silence, starting_layer
from unoqa.lowquality.flows.likelihood import MapKind
from unoqa.lowquality.flows.sampler import sample_images, split_off, steps_per_epoch
from unoqa.lowquality.flows.training import Objective, Schedule, train
from unoqa.lowquality.parts.fibres import average_grid, smooth
from unoqa.lowquality.parts.pooling import Pool
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
@settings
class Fastflow(LowQualityModule):
    """Likelihood of each place by a flow whose subnets are convolutions (Yu et al. 2021, arXiv 2111.07677).

    Kernels of 3×3 and 1×1 take turns, so that a place is judged by its surround. The loss is the mean negative
    log-likelihood a channel. Trained on, the flow gets better in likelihood and worse in telling images apart, so
    learning stops when images held out no longer gain. Channels are whitened first in place of the published
    LayerNorm over a whole grid, which ties a model to one image size (`start = "standard"`: brought to mean 0 and
    variance 1 only). Higher = further from outstanding.

    Example:
        >>> Fastflow(passes=500, patience=0, start="standard").blocks
        8
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; none named: all")] = ()
    largest_grid: Annotated[
        int, Field(ge=0, description="places a side; finer scales are averaged; 0: as they are")
    ] = 0
    neighbourhood: Annotated[
        int, Field(ge=1, le=99, description="side of the square each place is then averaged over")
    ] = 1
    start: Annotated[Start, Field(description="the density that learning starts from")] = "gaussian"
    blocks: Annotated[int, Field(ge=1, description="coupling blocks, of kernels 3×3 and 1×1 in turn")] = 8
    clamp: Annotated[float, Field(gt=0, description="largest logarithm of a block's scale")] = 2.0
    width: Annotated[float, Field(gt=0, le=64, description="hidden channels, in multiples of those read")] = 1.0
    passes: Annotated[int, Field(ge=1, description="passes over all images at most")] = 8
    batch: Annotated[int, Field(ge=1, le=10_000, description="images a step")] = 8
    rate: Annotated[float, Field(gt=0, description="step size of Adam")] = 1e-3
    decay: Annotated[float, Field(ge=0, description="weight decay of Adam")] = 1e-5
    patience: Annotated[int, Field(ge=0, description="looks at held-out images without gain that end it; 0: none")] = 2
    maps: Annotated[MapKind, Field(description="what a map holds")] = "prob"
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"

    needs: ClassVar[int] = 2
    has_latents: ClassVar[bool] = True

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedFlows:
        """Learn a flow per scale; an interrupted one goes on where `work` kept it.

        Raises:
            FitError: the loss became no number before anything was learned, or a scale has one channel.
        """
        selection = Selection.of(features.scales, self.scales)
        flows = fit_flows(features, selection, self._learned, seed=seed, work=work)
        return FittedFlows(flows, selection, self.maps, self.pool)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedFlows:
        """Return the fitted module that gave `state`."""
        selection = Selection.of(scales, self.scales)
        flows = restore_flows(
            state, selection, partial(self._network, seed=0), lambda network: partial(self._ask, network)
        )
        return FittedFlows(flows, selection, self.maps, self.pool)

    def _learned(self, features: FeatureSet, seed: int, work: Work) -> ScaleFlow:
        at_least_two_channels(features.scales[0], "FastFlow")
        seen, unseen = split_off(features, patience=self.patience, seed=seed)
        network = self._network(starting_layer(seen, self._smoothed, start=self.start), seed=seed)
        objective = Objective(
            f"FastFlow {features.scales[0].name}",
            loss=lambda step: -self._likelihood(network, sample_images(seen, step, batch=self.batch, seed=seed)).mean(),
            held_out=lambda: self._held_out(network, unseen),
        )
        each_once = steps_per_epoch(len(seen), self.batch)
        schedule = Schedule(
            steps=self.passes * each_once,
            rate=self.rate,
            decay=self.decay,
            check_every=each_once,
            patience=self.patience,
        )
        train(network, objective, schedule, work)
        ask = partial(self._ask, rounded(network))
        return ScaleFlow(network, ask, best_likelihood(ask, seen))

    def _network(self, layer: Whitening, *, seed: int) -> Flow:
        with seeded(seed):
            subnet = partial(_Subnet, width=self.width, still=self.start == "gaussian")
            blocks = couplings(len(layer.mean), self.blocks, subnet, clamp=self.clamp, seed=seed)
        return Flow(layer, blocks).to(layer.mean.device)

    def _smoothed(self, grid: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        return smooth(average_grid(grid, self.largest_grid), self.neighbourhood)

    def _likelihood(self, network: Flow, grid: Tensor) -> Float[Tensor, "batch rows columns"]:
        return network.log_likelihood(self._smoothed(grid))

    @torch.inference_mode()
    def _held_out(self, network: Flow, unseen: FeatureSet) -> float:
        losses = [-self._likelihood(network, pyramid.scales[0]).mean() for pyramid in unseen.batches(1)]
        return float(torch.stack(losses).mean())

    def _ask(self, network: Flow, grid: Float[Tensor, "batch channels rows columns"]) -> Asked:
        """Ask image by image: kernels are chosen by the batch's shape, and sums differ with them."""
        answers = [network.latent_and_likelihood(image) for image in torch.split(self._smoothed(grid), 1)]
        latents, likelihoods = (torch.cat(part) for part in zip(*answers, strict=True))
        return latents, likelihoods


@final
class _Subnet(nn.Module):
    """Two convolutions; every other block's see 3×3 places. `still` makes the block begin as the identity."""

    def __init__(self, number: int, reads: int, gives: int, *, width: float, still: bool) -> None:
        super().__init__()
        kernel = 3 if number % 2 == 0 else 1
        hidden = max(1, round(width * reads))
        self.first = nn.Conv2d(reads, hidden, kernel, padding="same")
        self.last = nn.Conv2d(hidden, gives, kernel, padding="same")
        if still:
            silence(self.last)

    def forward(self, read: Float[Tensor, "batch reads rows columns"]) -> Tensor:
        """Return scale and shift at each place."""
        return self.last(functional.relu(self.first(read)))
