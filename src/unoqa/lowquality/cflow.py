"""CFLOW: a conditional normalising flow over fibres; the paper's low-quality module."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast, final

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
from unoqa.lowquality.flows.positional_encoding import positional_encoding
from unoqa.lowquality.flows.sampler import Fibres, FibreSampler, split_off
from unoqa.lowquality.flows.training import Objective, Schedule, train
from unoqa.lowquality.parts.fibres import average_grid, fibres, smooth
from unoqa.lowquality.parts.pooling import Pool
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

HELD_OUT_FIBRES = 4096
"""Fibres at most by which learning is stopped: their mean loss is then known to a sixtieth of its spread."""

PLACES_AT_ONCE = 400
"""Places asked together: what they pass through on their way lies in the processor's cache."""


@final
@settings
class Cflow(LowQualityModule):
    """Likelihood of each fibre, given its place, by a flow per scale (Gudovskiy et al. 2022, arXiv 2107.12571).

    The loss is -log σ(ℓ) with ℓ = log p(fibre | place) / channels; it stands for the paper's equation 1, since the
    Kullback-Leibler divergence to the data's density differs from the mean of -ℓ by a constant, and σ only keeps
    single fibres from ruling it. The defaults are a laptop's: a budget of fibres in place of passes, and a start from
    the fitted Gaussian, as the paper's section 2.3.1 asks (CFLOW-AD itself starts at random: `start = "random"`).
    Recipe `paper-original` has the published training. Higher = further from outstanding.

    Example:
        >>> Cflow(fibres=100_000).blocks
        8
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; none named: all")] = ()
    largest_grid: Annotated[
        int, Field(ge=0, description="places a side; finer scales are averaged; 0: as they are")
    ] = 0
    neighbourhood: Annotated[
        int, Field(ge=1, le=99, description="side of the square each place is then averaged over")
    ] = 3
    start: Annotated[Start, Field(description="the density that learning starts from")] = "gaussian"
    blocks: Annotated[int, Field(ge=1, description="coupling blocks")] = 8
    clamp: Annotated[float, Field(gt=0, description="largest logarithm of a block's scale")] = 1.9
    code: Annotated[int, Field(ge=4, le=4096, multiple_of=4, description="numbers that tell a place")] = 128
    mixing: Annotated[
        Literal["deal", "rotate"], Field(description="channels dealt anew a block, or also rotated (soft permutation)")
    ] = "deal"
    fibres: Annotated[int, Field(ge=1, description="fibres learned from at most, per scale")] = 200_000
    passes: Annotated[int, Field(ge=0, description="passes over all fibres instead of that budget; 0: the budget")] = 0
    batch: Annotated[int, Field(ge=1, le=1_000_000, description="fibres a step")] = 1024
    rate: Annotated[float, Field(gt=0, description="step size of Adam")] = 1e-3
    patience: Annotated[int, Field(ge=0, description="looks at held-out images without gain that end it; 0: none")] = 4
    degrees: Annotated[
        float, Field(ge=0, le=180, description="angle up to which images are turned and encoded anew; 0: not")
    ] = 0.0
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
        flows = restore_flows(state, selection, partial(self._network, seed=0), lambda network: _Asking(network, self))
        return FittedFlows(flows, selection, self.maps, self.pool)

    def _learned(self, features: FeatureSet, seed: int, work: Work) -> ScaleFlow:
        at_least_two_channels(features.scales[0], "CFLOW")
        seen, unseen = split_off(features, patience=self.patience, seed=seed)
        network = self._network(starting_layer(seen, self._smoothed, start=self.start), seed=seed)
        sampler = FibreSampler(seen, self._smoothed, batch=self.batch, seed=seed, degrees=self.degrees)
        most = HELD_OUT_FIBRES if self.patience else self.batch
        held = FibreSampler(unseen, self._smoothed, batch=self.batch, seed=seed).distinct(most)
        asking = _Asking(network, self)
        objective = Objective(
            f"CFLOW {features.scales[0].name}",
            loss=lambda step: asking.losses(sampler.at(step), sampler.shape).mean(),
            held_out=lambda: asking.held_out(held, sampler.shape),
        )
        train(network, objective, self._schedule(len(seen) * math.prod(sampler.shape)), work)
        rounded(network)
        return ScaleFlow(network, asking, best_likelihood(asking, seen))

    def _schedule(self, every: int) -> Schedule:
        wanted = self.passes * every if self.passes else self.fibres
        return Schedule(steps=max(1, wanted // self.batch), rate=self.rate, patience=self.patience)

    def _network(self, layer: Whitening, *, seed: int) -> Flow:
        still = self.start == "gaussian"
        with seeded(seed):
            blocks = couplings(
                len(layer.mean),
                self.blocks,
                partial(_Subnet, code=self.code, still=still),
                clamp=self.clamp,
                seed=seed,
                rotated=self.mixing == "rotate",
            )
        return Flow(layer, blocks).to(layer.mean.device)

    def _smoothed(self, grid: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        return smooth(average_grid(grid, self.largest_grid), self.neighbourhood)


@final
class _Subnet(nn.Module):
    """Two layers of a width twice their input, as CFLOW-AD's; the place code enters the first.

    `still` makes the last layer begin at zero, so that the block begins as the identity.
    """

    def __init__(self, number: int, reads: int, gives: int, *, code: int, still: bool) -> None:
        super().__init__()
        del number
        width = 2 * (reads + code)
        joint = nn.Linear(reads + code, width)
        self.fibre = nn.Linear(reads, width)
        self.place = nn.Linear(code, width, bias=False)
        with torch.no_grad():  # weights of both as parts of one layer, whose spread depends on all its inputs
            self.fibre.weight.copy_(joint.weight[:, :reads])
            self.place.weight.copy_(joint.weight[:, reads:])
        self.last = nn.Linear(width, gives)
        if still:
            silence(self.last)

    def forward(self, read: Float[Tensor, "fibres reads"], place: Float[Tensor, "fibres width"]) -> Tensor:
        """Return scale and shift of each fibre; `place` is what `at` makes of the code of its place."""
        return self.last(functional.relu(torch.addmm(place, read, self.fibre.weight.T)))

    def at(self, code: Float[Tensor, "fibres code"]) -> Float[Tensor, "fibres width"]:
        """Return what the places add to the first layer, its bias included."""
        return functional.linear(code, self.place.weight, self.fibre.bias)


@final
class _Asking:
    """A network and the codes of the places of a grid, each made once.

    What the codes add to each block is kept from the first image asked on: by then the network has learned.
    """

    def __init__(self, network: Flow, settings: Cflow) -> None:
        self._network = network
        self._settings = settings
        self._codes: dict[tuple[int, int], Tensor] = {}
        self._products: dict[tuple[int, int], list[Tensor]] = {}

    def __call__(self, grid: Float[Tensor, "batch channels rows columns"]) -> Asked:
        """Ask image by image: a product's sums differ with its size."""
        grid = self._settings._smoothed(grid)
        shape = (grid.shape[2], grid.shape[3])
        answers = [self._one(image, shape) for image in fibres(grid)]
        latents, likelihoods = (torch.stack(part) for part in zip(*answers, strict=True))
        return latents.transpose(1, 2).reshape(*grid.shape), likelihoods.reshape(len(grid), *shape)

    def losses(self, drawn: Fibres, shape: tuple[int, int]) -> Float[Tensor, " fibres"]:
        """Return -log σ(ℓ) of fibres of a grid of that shape."""
        return functional.softplus(-self._network.log_likelihood(drawn.vectors, self._drawn_places(drawn, shape)))

    @torch.inference_mode()
    def held_out(self, drawn: Fibres, shape: tuple[int, int]) -> float:
        """Return the mean loss, asking as many fibres at once as a step learns from."""
        return float(torch.cat([self.losses(part, shape) for part in drawn.parts(self._settings.batch)]).mean())

    def _one(self, image: Float[Tensor, "places channels"], shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        if shape not in self._products:
            self._products[shape] = self._places(self._code(shape))
        pieces = (torch.split(one, PLACES_AT_ONCE) for one in (image, *self._products[shape]))
        said = [self._network.latent_and_likelihood(vectors, places) for vectors, *places in zip(*pieces, strict=True)]
        latents, likelihoods = (torch.cat(part) for part in zip(*said, strict=True))
        return latents, likelihoods

    def _code(self, shape: tuple[int, int]) -> Float[Tensor, "places code"]:
        if shape not in self._codes:
            with torch.inference_mode(mode=False):  # whoever asks first, learning reads it too
                code = positional_encoding(*shape, self._settings.code).to(self._network.whitening.mean.device)
            self._codes[shape] = code
        return self._codes[shape]

    def _drawn_places(self, drawn: Fibres, shape: tuple[int, int]) -> list[Tensor]:
        """Return what the places of fibres add to each block: each place once, where there are fewer than fibres."""
        code = self._code(shape)
        if len(code) < len(drawn.places):
            return [one.index_select(0, drawn.places) for one in self._places(code)]
        return self._places(code.index_select(0, drawn.places))

    def _places(self, code: Float[Tensor, "fibres code"]) -> list[Tensor]:
        return [cast("_Subnet", block.subnet).at(code) for block in self._network.couplings]
