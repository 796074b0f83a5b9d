"""The settings that CFLOW and FastFlow share, and how they fit and restore one flow per scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from unoqa.core.contracts import NO_WORK, LowQualityModule, State, select_prefix
from unoqa.core.features import FeatureSet, Scale
from unoqa.core.parallel import map_in_order
from unoqa.core.precision import PrecisionSetting
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.flows.coupling import Coupling
from unoqa.lowquality.flows.fitted import (
    FittedFlows,
    Inference,
    ScaleFlow,
    Scoring,
    find_highest_likelihood,
    round_and_freeze,
)
from unoqa.lowquality.flows.flow import Flow, GridNorm, Whitening
from unoqa.lowquality.flows.initialisation import GridStart, fit_first_layer, require_two_channels, seed_initial_weights
from unoqa.lowquality.flows.likelihood import Join, MapKind
from unoqa.lowquality.flows.sampler import split_held_out
from unoqa.lowquality.flows.training import Objective, Schedule, ScheduleShape, train
from unoqa.lowquality.parts.fibres import average_grid, smooth
from unoqa.lowquality.parts.pooling import Pool
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

Neighbourhood = Annotated[int, Field(ge=1, le=99, description="side of the square averaged around each position")]
Clamp = Annotated[float, Field(gt=0, description="largest logarithm of a block's scale")]
Patience = Annotated[
    int, Field(ge=0, description="training stops after so many checks without a lower held-out loss; 0: never early")
]


@settings
class FlowModule(LowQualityModule, ABC):
    """Settings of a module that fits a normalising flow per scale.

    Attributes:
        method: the name of the method in messages.
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; empty: all")] = ()
    largest_grid: Annotated[
        int, Field(ge=0, description="maximum number of positions per side; finer grids are averaged; 0: no limit")
    ] = 0
    neighbourhood: Neighbourhood
    start: Annotated[
        GridStart, Field(description="flow before training: fitted Gaussian, random, or random behind a LayerNorm")
    ] = "gaussian"
    blocks: Annotated[int, Field(ge=0, description="coupling blocks; 0: the first layer alone")] = 8
    clamp: Clamp
    learning_rate: Annotated[float, Field(gt=0, description="learning rate of Adam")] = 1e-3
    schedule: Annotated[
        ScheduleShape, Field(description="learning rate: warm-up and a cosine to a thousandth, or constant")
    ] = "cosine"
    patience: Patience
    maps: Annotated[MapKind, Field(description="what a map holds")] = "prob"
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"
    join: Annotated[
        Join, Field(description="scores: scales weigh by their channels; maps: the mean of the enlarged maps is pooled")
    ] = "scores"
    precision: PrecisionSetting = "single"

    method: ClassVar[str]
    min_images: ClassVar[int] = 2
    has_latents: ClassVar[bool] = True

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedFlows:
        """Fit a flow per scale; an interrupted fit resumes from the checkpoint in `work`.

        Raises:
            FitError: features, or the loss before it improves, are infinite or NaN, or a scale has one channel only.
        """
        selection = Selection.from_names(features.scales, self.scales)
        fitting = map_in_order(
            lambda scale: self._fit_scale(features.select([scale[1]]), seed + scale[0], work.part(scale[1])),
            enumerate(selection.names),
        )
        with fitting as flows:
            return FittedFlows(dict(zip(selection.names, flows, strict=True)), selection, self._scoring())

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedFlows:
        """Return the fitted module that gave `state`."""
        selection = Selection.from_names(scales, self.scales)
        flows = {name: self._restore_scale(select_prefix(state, f"{name}.")) for name in selection.names}
        return FittedFlows(flows, selection, self._scoring())

    def as_gaussian(self) -> FlowModule:
        """Return settings that fit the Gaussian alone, on the same grids and with the same maps and score."""
        return replace(self, start="gaussian", blocks=0)

    @abstractmethod
    def untrained(self) -> FlowModule:
        """Return settings whose fit is this flow before its training."""

    def _scoring(self) -> Scoring:
        return Scoring(self.maps, self.pool, self.join)

    def _fit_scale(self, features: FeatureSet, seed: int, work: Work) -> ScaleFlow:
        """Fit the flow of one scale from features of that scale alone; seed and checkpoint are its own."""
        require_two_channels(features.scales[0], self.method)
        train_set, held_out_set = split_held_out(features, patience=self.patience, seed=seed)
        network = self._build_network(fit_first_layer(train_set, self._prepare, start=self.start), seed=seed)
        objective = self._make_objective(network, train_set, held_out_set, seed=seed)
        training = train(network, objective, self._make_schedule(train_set), work)
        round_and_freeze(network)
        infer = self._make_inference(network)
        highest_likelihood = find_highest_likelihood(infer, train_set, self.precision)
        return ScaleFlow(network, infer, highest_likelihood, self.precision, training)

    def _restore_scale(self, state: State) -> ScaleFlow:
        highest_likelihood = float(state.pop("highest_likelihood"))
        grid = state.get("whitening.gain")
        first = Whitening.zeros_like(state["whitening.mean"]) if grid is None else GridNorm(torch.zeros_like(grid))
        network = self._build_network(first, seed=0)
        network.load_state_dict(
            {name: array.float() if array.is_floating_point() else array for name, array in state.items()}
        )
        network.eval().requires_grad_(False)
        return ScaleFlow(network, self._make_inference(network), highest_likelihood, self.precision)

    def _build_network(self, first: Whitening | GridNorm, *, seed: int) -> Flow:
        with seed_initial_weights(seed):
            couplings = self._make_couplings(first.channels, seed)
        if self.start == "gaussian":
            for coupling in couplings:
                coupling.reset_to_identity()
        return Flow(first, couplings).to(first.device)

    def _make_schedule(self, train_set: FeatureSet) -> Schedule:
        return Schedule(
            self._count_steps(train_set),
            learning_rate=self.learning_rate,
            shape=self.schedule,
            patience=self.patience,
            precision=self.precision,
        )

    def _prepare(self, grid: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        """Average a grid to the largest size, then over neighbourhoods."""
        return smooth(average_grid(grid, self.largest_grid), self.neighbourhood)

    @abstractmethod
    def _make_couplings(self, channels: int, seed: int) -> list[Coupling]:
        """Make the coupling blocks; torch is seeded for the weights of their subnets."""

    @abstractmethod
    def _make_objective(
        self, network: Flow, train_set: FeatureSet, held_out_set: FeatureSet, *, seed: int
    ) -> Objective:
        """Return the loss of a training step and the held-out loss; both sets have one scale."""

    @abstractmethod
    def _count_steps(self, train_set: FeatureSet) -> int:
        """Return the largest number of training steps."""

    @abstractmethod
    def _make_inference(self, network: Flow) -> Inference:
        """Return what gives latent and log-likelihood of grids by a trained network."""
