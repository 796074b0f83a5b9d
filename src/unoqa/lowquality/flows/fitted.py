"""What CFLOW and FastFlow become when they have learned: a flow per scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor

from unoqa.core.contracts import FittedModule, State, select_prefix
from unoqa.core.parallel import map_in_order
from unoqa.lowquality.flows.flow import Flow, Whitening
from unoqa.lowquality.flows.likelihood import MapKind, likelihood_evidence, likelihood_map
from unoqa.lowquality.flows.precision import casting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unoqa.core.evidence import Evidence
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.work import Work
    from unoqa.lowquality.parts.pooling import Pool
    from unoqa.lowquality.parts.selection import Selection

IMAGES_FOR_BEST = 16
"""Outstanding images over whose places the best likelihood is sought."""

Asked = tuple[Tensor, Tensor]
"""A latent, batch × channels × rows × columns, and the log-likelihood at each place, batch × rows × columns."""


@final
@dataclass(frozen=True)
class ScaleFlow:
    """The flow of one scale.

    Attributes:
        ask: gives latent and log-likelihood of grids.
        best: the highest log-likelihood a channel of outstanding images: the paper's normalising constant.
    """

    network: Flow
    ask: Callable[[Tensor], Asked]
    best: float

    def state(self) -> State:
        """Return the parameters, matrices in bfloat16, to which `rounded` has brought them."""
        arrays = self.network.state_dict()
        return {
            **{name: _kept(name, array) for name, array in arrays.items()},
            "best": torch.tensor(self.best, dtype=torch.float64),
        }


@final
class FittedFlows(FittedModule):
    """One flow per scale, and how their likelihoods become maps and a score."""

    def __init__(self, flows: Mapping[str, ScaleFlow], selection: Selection, kind: MapKind, pool: Pool) -> None:
        self._flows = flows
        self._selection = selection
        self._kind = kind
        self._pool = pool

    def asked(self, pyramid: FeaturePyramid) -> tuple[Asked, ...]:
        """Return latent and log-likelihood of each scale."""
        grids = self._selection.chosen(pyramid).scales
        return tuple(asked(flow.ask, grid) for flow, grid in zip(self._flows.values(), grids, strict=True))

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map per scale."""
        maps = self.maps(self.asked(pyramid), self._kind)
        channels = tuple(len(flow.network.whitening.mean) for flow in self._flows.values())
        return likelihood_evidence(maps, channels, self._kind, self._pool)

    def maps(self, asked: tuple[Asked, ...], kind: MapKind) -> tuple[Tensor, ...]:
        """Return the maps of one kind of what was asked before."""
        pairs = zip(self._flows.values(), asked, strict=True)
        return tuple(likelihood_map(likelihood, flow.best, kind) for flow, (_, likelihood) in pairs)

    def latents(self, pyramid: FeaturePyramid) -> tuple[Tensor, ...]:
        """Return the latent of each scale."""
        return tuple(latent for latent, _ in self.asked(pyramid))

    def state(self) -> State:
        """Return the parameters of every flow, and its best likelihood."""
        return {f"{scale}.{name}": array for scale, flow in self._flows.items() for name, array in flow.state().items()}


def rounded(network: Flow) -> Flow:
    """Round the matrices to bfloat16, as they are kept, so that a model scores the same before and after."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(_kept(name, value.detach()).float())
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def asked(ask: Callable[[Tensor], Asked], grid: Float[Tensor, "batch channels rows columns"]) -> Asked:
    """Ask a flow, the products of its subnets in half precision where the device has it.

    Their weights are numbers of that precision, and a score is a mean over thousands of values, each rounded its own
    way: with and without it differs by less than 1e-4.
    """
    with casting(grid.device):
        return ask(grid)


def best_likelihood(ask: Callable[[Tensor], Asked], features: FeatureSet) -> float:
    """Return the highest log-likelihood of the images' places; of up to 16 images, evenly chosen."""
    every = -(-len(features) // IMAGES_FOR_BEST)
    some = features.subset(torch.arange(0, len(features), every).numpy())
    return max(float(asked(ask, pyramid.scales[0])[1].max()) for pyramid in some.batches(1))


def fit_flows(
    features: FeatureSet,
    selection: Selection,
    learn: Callable[[FeatureSet, int, Work], ScaleFlow],
    *,
    seed: int,
    work: Work,
) -> dict[str, ScaleFlow]:
    """Learn the flow of each scale, from features of that scale alone, by a seed and under a name of its own."""
    learning = map_in_order(
        lambda scale: learn(features.select([scale[1]]), seed + scale[0], work.part(scale[1])),
        enumerate(selection.names),
    )
    with learning as learned:
        return dict(zip(selection.names, learned, strict=True))


def restore_flows(
    state: Mapping[str, Tensor],
    selection: Selection,
    build: Callable[[Whitening], Flow],
    asking: Callable[[Flow], Callable[[Tensor], Asked]],
) -> dict[str, ScaleFlow]:
    """Return the flows that gave `state`."""
    flows = {}
    for name in selection.names:
        own = select_prefix(state, f"{name}.")
        best = float(own.pop("best"))
        network = build(Whitening.blank_like(own["whitening.mean"]))
        network.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in own.items()}
        )
        network.eval().requires_grad_(False)
        flows[name] = ScaleFlow(network, asking(network), best)
    return flows


def _kept(name: str, array: Tensor) -> Tensor:
    """Keep a subnet's weights in bfloat16, in which they are multiplied; whitening and what there are few of, whole."""
    return array.bfloat16() if "subnet" in name and array.dim() > 1 else array
