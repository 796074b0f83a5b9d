"""What CFLOW and FastFlow return when they are fitted: one flow per scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor

from unoqa.core.contracts import FittedModule, State
from unoqa.core.precision import Precision, autocast
from unoqa.lowquality.flows.flow import Flow
from unoqa.lowquality.flows.likelihood import Join, MapKind, make_likelihood_map, score_likelihood_maps
from unoqa.lowquality.flows.training import Training
from unoqa.lowquality.parts.pooling import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.evidence import Evidence
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.lowquality.parts.selection import Selection

IMAGES_FOR_HIGHEST = 16
"""Largest number of outstanding images over which the highest likelihood is searched."""

LatentAndLikelihood = tuple[Tensor, Tensor]
"""A latent, batch × channels × rows × columns, and the log-likelihood at each position, batch × rows × columns."""

Inference = Callable[[Tensor], LatentAndLikelihood]
"""Maps grids, batch × channels × rows × columns, to their latent and log-likelihood."""


@final
@dataclass(frozen=True)
class Scoring:
    """How likelihoods become maps and a score."""

    kind: MapKind
    pool: Pool
    join: Join


@final
@dataclass(frozen=True)
class ScaleFlow:
    """The flow of one scale.

    Attributes:
        infer: gives latent and log-likelihood of grids.
        highest_likelihood: the highest log-likelihood per channel of outstanding images: the paper's normalising
            constant.
        precision: in which `infer` multiplies.
        training: how it was trained; None for a flow that was restored.
    """

    network: Flow
    infer: Inference
    highest_likelihood: float
    precision: Precision
    training: Training | None = None

    def state(self) -> State:
        """Return the parameters; matrices in bfloat16, to which `round_and_freeze` has rounded them."""
        arrays = self.network.state_dict()
        return {
            **{name: _to_stored_precision(name, array) for name, array in arrays.items()},
            "highest_likelihood": torch.tensor(self.highest_likelihood, dtype=torch.float64),
        }


@final
class FittedFlows(FittedModule):
    """One flow per scale, and how their likelihoods become maps and a score."""

    def __init__(self, flows: Mapping[str, ScaleFlow], selection: Selection, scoring: Scoring) -> None:
        self._flows = flows
        self._selection = selection
        self._scoring = scoring

    @property
    def trainings(self) -> tuple[Training, ...]:
        """How the flow of each scale was trained; empty for a module that was restored."""
        return tuple(flow.training for flow in self._flows.values() if flow.training is not None)

    def infer(self, pyramid: FeaturePyramid) -> tuple[LatentAndLikelihood, ...]:
        """Return latent and log-likelihood of each scale."""
        grids = self._selection.select(pyramid).scales
        pairs = zip(self._flows.values(), grids, strict=True)
        return tuple(infer_grid(flow.infer, grid, flow.precision) for flow, grid in pairs)

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map per scale and the score."""
        maps = self.make_maps(self.infer(pyramid), self._scoring.kind)
        return score_likelihood_maps(maps, self._channels, *astuple(self._scoring))

    def compute_log_density(self, pyramid: FeaturePyramid) -> Float[Tensor, " batch"]:
        """Return log p of the features in nats per channel: the mean over places, and over all channels of all scales.

        It includes the first layer's determinant, so flows of the same features compare, however they begin. A flow
        that begins with LayerNorm has the density of its normalised grid only.
        """
        total = torch.zeros(len(pyramid), device=pyramid.scales[0].device)
        for flow, (_, likelihood) in zip(self._flows.values(), self.infer(pyramid), strict=True):
            first = flow.network.whitening
            total = total + first.channels * likelihood.mean(dim=(1, 2)) + first.log_determinant()
        return total / sum(self._channels)

    @property
    def _channels(self) -> tuple[int, ...]:
        return tuple(flow.network.whitening.channels for flow in self._flows.values())

    def make_maps(self, inferred: tuple[LatentAndLikelihood, ...], kind: MapKind) -> tuple[Tensor, ...]:
        """Return the maps of one kind from what `infer` returned."""
        pairs = zip(self._flows.values(), inferred, strict=True)
        return tuple(make_likelihood_map(*both, flow.highest_likelihood, kind) for flow, both in pairs)

    def compute_latents(self, pyramid: FeaturePyramid) -> tuple[Tensor, ...]:
        """Return the latent of each scale."""
        return tuple(latent for latent, _ in self.infer(pyramid))

    def state(self) -> State:
        """Return the parameters of every flow, and its highest likelihood."""
        return {f"{scale}.{name}": array for scale, flow in self._flows.items() for name, array in flow.state().items()}


def round_and_freeze(network: Flow) -> None:
    """Round the matrices to bfloat16, as they are saved, and end training: a saved model then scores the same.

    They are rounded whatever the precision is, since this halves the model's size.
    """
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(_to_stored_precision(name, value.detach()).float())
    network.eval().requires_grad_(False)


@torch.inference_mode()
def infer_grid(
    infer: Inference, grid: Float[Tensor, "batch channels rows columns"], precision: Precision
) -> LatentAndLikelihood:
    """Apply a flow, with the products of its subnets in the precision.

    The weights of the subnets are bfloat16 numbers already. A score is a mean over thousands of values whose rounding
    errors are independent: with and without bfloat16 it differs by less than 1e-4.
    """
    with autocast(precision, grid.device):
        return infer(grid)


def find_highest_likelihood(infer: Inference, features: FeatureSet, precision: Precision) -> float:
    """Return the highest log-likelihood over the positions of up to 16 images, evenly spaced in the set."""
    step = -(-len(features) // IMAGES_FOR_HIGHEST)
    some = features.subset(torch.arange(0, len(features), step).numpy())
    return max(float(infer_grid(infer, pyramid.scales[0], precision)[1].max()) for pyramid in some.batches(1))


def _to_stored_precision(name: str, array: Tensor) -> Tensor:
    """Return matrices of subnets in bfloat16, in which they are multiplied; whitening and vectors stay as they are."""
    return array.bfloat16() if "subnet" in name and array.dim() > 1 else array
