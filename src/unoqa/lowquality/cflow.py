"""CFLOW: a conditional normalising flow over fibres; the paper's low-quality module.

A fibre is the vector of channels at one position of a feature grid (a term of CFLOW-AD).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, cast, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unoqa.core.settings import settings
from unoqa.lowquality.flows.flow import Flow, make_couplings
from unoqa.lowquality.flows.initialisation import Start
from unoqa.lowquality.flows.module import Clamp, FlowModule, Neighbourhood, Patience
from unoqa.lowquality.flows.positional_encoding import positional_encoding
from unoqa.lowquality.flows.sampler import FibreBatch, FibreSampler, find_prepared_shape
from unoqa.lowquality.flows.training import Objective
from unoqa.lowquality.parts.fibres import to_fibres

if TYPE_CHECKING:
    from unoqa.core.features import FeatureSet
    from unoqa.lowquality.flows.coupling import Coupling
    from unoqa.lowquality.flows.fitted import Inference, LatentAndLikelihood

HELD_OUT_FIBRES = 4096
"""Largest number of held-out fibres: the standard error of their mean loss is then 1/64 of its standard deviation."""

INFERENCE_BATCH = 400
"""Fibres inferred together, so that intermediate results stay in the processor's cache."""


@final
@settings
class Cflow(FlowModule):
    """Likelihood of the features at each position, by a flow per scale (Gudovskiy et al. 2022, arXiv 2107.12571).

    The loss is -log σ(ℓ) with ℓ = log p(fibre | position) / channels. It stands for the paper's equation 1: the
    Kullback-Leibler divergence to the density of the data differs from the mean of -ℓ by a constant, and σ only keeps
    single fibres from dominating. The defaults suit a laptop: a budget of fibres instead of epochs, and a start from
    the fitted Gaussian, as the paper's section 2.3.1 asks (CFLOW-AD itself starts at random: `start = "random"`).
    Recipe `paper-original` has the published training. Higher = further from outstanding.

    Example:
        >>> Cflow(fibres=100_000).blocks
        8
    """

    start: Annotated[Start, Field(description="flow before training: fitted Gaussian or random")] = "gaussian"
    neighbourhood: Neighbourhood = 3
    clamp: Clamp = 1.9
    patience: Patience = 4
    positional_channels: Annotated[
        int, Field(ge=4, le=4096, multiple_of=4, description="channels of the positional encoding")
    ] = 128
    permutation: Annotated[
        Literal["hard", "soft"],
        Field(description="hard: each block splits the channels anew; soft: it also rotates them, by a fixed matrix"),
    ] = "hard"
    fibres: Annotated[int, Field(ge=0, description="fibres (feature vectors) to train on, per scale")] = 200_000
    epochs: Annotated[int, Field(ge=0, description="passes over all fibres, in place of 'fibres'; 0: not used")] = 0
    batch: Annotated[int, Field(ge=1, le=1_000_000, description="fibres per step")] = 1024
    rotation: Annotated[
        float, Field(ge=0, le=180, description="largest rotation of training images in degrees; 0: none")
    ] = 0.0

    method: ClassVar[str] = "CFLOW"

    def _make_couplings(self, channels: int, seed: int) -> list[Coupling]:
        return make_couplings(
            channels,
            self.blocks,
            partial(_Subnet, positional_channels=self.positional_channels),
            clamp=self.clamp,
            seed=seed,
            rotate=self.permutation == "soft",
        )

    def _make_objective(
        self, network: Flow, train_set: FeatureSet, held_out_set: FeatureSet, *, seed: int
    ) -> Objective:
        conditional = _ConditionalFlow(network, self)
        sampler = FibreSampler(train_set, self._prepare, batch=self.batch, seed=seed, rotation=self.rotation)
        held_out_count = HELD_OUT_FIBRES if self.patience else self.batch
        held_out_sampler = FibreSampler(held_out_set, self._prepare, batch=self.batch, seed=seed)
        held_out = held_out_sampler.sample_distinct(held_out_count)
        return Objective(
            f"{self.method} {train_set.scales[0].name}",
            loss=lambda step: conditional.compute_losses(sampler.sample(step), sampler.shape).mean(),
            held_out_loss=lambda: conditional.compute_mean_loss(held_out, sampler.shape),
            steps_per_pass=self._count_fibres(train_set) / self.batch,
        )

    def untrained(self) -> Cflow:
        """Return settings whose fit is this flow before its training."""
        return replace(self, fibres=0, epochs=0)

    def _count_steps(self, train_set: FeatureSet) -> int:
        fibres = self.epochs * self._count_fibres(train_set) or self.fibres
        return max(1, fibres // self.batch) if fibres else 0

    def _count_fibres(self, train_set: FeatureSet) -> int:
        rows, columns = find_prepared_shape(train_set, self._prepare)
        return len(train_set) * rows * columns

    def _make_inference(self, network: Flow) -> Inference:
        return _ConditionalFlow(network, self)


@final
class _Subnet(nn.Module):
    """Two layers of twice the width of their input, as in CFLOW-AD; the positional encoding enters the first layer."""

    def __init__(self, number: int, inputs: int, outputs: int, *, positional_channels: int) -> None:
        super().__init__()
        del number
        width = 2 * (inputs + positional_channels)
        joint = nn.Linear(inputs + positional_channels, width)
        self.fibre = nn.Linear(inputs, width)
        self.position = nn.Linear(positional_channels, width, bias=False)
        with torch.no_grad():  # both get the weights of one joint layer, whose variance depends on all its inputs
            self.fibre.weight.copy_(joint.weight[:, :inputs])
            self.position.weight.copy_(joint.weight[:, inputs:])
        self.output = nn.Linear(width, outputs)

    def forward(self, fibres: Float[Tensor, "fibres inputs"], position: Float[Tensor, "fibres width"]) -> Tensor:
        """Return scale and shift of each fibre; `position` comes from `embed_positions`."""
        return self.output(functional.relu(torch.addmm(position, fibres, self.fibre.weight.T)))

    def embed_positions(self, encoding: Float[Tensor, "positions channels"]) -> Float[Tensor, "positions width"]:
        """Return what the positions add to the first layer, its bias included."""
        return functional.linear(encoding, self.position.weight, self.fibre.bias)


@final
class _ConditionalFlow:
    """A flow whose condition is the position of each fibre; it computes the encoding of a grid's shape once.

    The losses embed the encoding anew for each batch, since training changes the weights. A call keeps the embedding
    of each shape, so call it only after training.
    """

    def __init__(self, network: Flow, settings: Cflow) -> None:
        self._network = network
        self._settings = settings
        self._encodings: dict[tuple[int, int], Tensor] = {}
        self._embeddings: dict[tuple[int, int], list[Tensor]] = {}

    def __call__(self, grid: Float[Tensor, "batch channels rows columns"]) -> LatentAndLikelihood:
        """Infer image by image: the sums of a matrix product differ with its size."""
        grid = self._settings._prepare(grid)
        shape = (grid.shape[2], grid.shape[3])
        inferred = [self._infer_image(image, shape) for image in to_fibres(grid)]
        latents, likelihoods = (torch.stack(part) for part in zip(*inferred, strict=True))
        return latents.transpose(1, 2).reshape(*grid.shape), likelihoods.reshape(len(grid), *shape)

    def compute_losses(self, batch: FibreBatch, shape: tuple[int, int]) -> Float[Tensor, " fibres"]:
        """Return -log σ(ℓ) of fibres of a grid of that shape."""
        return functional.softplus(-self._network.log_likelihood(batch.vectors, self._embed_batch(batch, shape)))

    @torch.inference_mode()
    def compute_mean_loss(self, batch: FibreBatch, shape: tuple[int, int]) -> float:
        """Return the mean loss, computed in parts of the size of a training batch."""
        return float(torch.cat([self.compute_losses(part, shape) for part in batch.split(self._settings.batch)]).mean())

    def _infer_image(self, fibres: Float[Tensor, "positions channels"], shape: tuple[int, int]) -> LatentAndLikelihood:
        if shape not in self._embeddings:
            self._embeddings[shape] = self._embed(self._encode(shape))
        parts = zip(
            *(torch.split(tensor, INFERENCE_BATCH) for tensor in (fibres, *self._embeddings[shape])), strict=True
        )
        inferred = [self._network.infer(vectors, conditions) for vectors, *conditions in parts]
        latents, likelihoods = (torch.cat(part) for part in zip(*inferred, strict=True))
        return latents, likelihoods

    def _encode(self, shape: tuple[int, int]) -> Float[Tensor, "positions channels"]:
        if shape not in self._encodings:
            with torch.inference_mode(mode=False):  # training reads it too, also where a held-out loss came first
                encoding = positional_encoding(*shape, self._settings.positional_channels)
                self._encodings[shape] = encoding.to(self._network.whitening.device)
        return self._encodings[shape]

    def _embed_batch(self, batch: FibreBatch, shape: tuple[int, int]) -> list[Tensor]:
        """Embed the position of each fibre for each block; a grid with fewer positions than fibres is embedded once."""
        encoding = self._encode(shape)
        if len(encoding) < len(batch.positions):
            return [embedding.index_select(0, batch.positions) for embedding in self._embed(encoding)]
        return self._embed(encoding.index_select(0, batch.positions))

    def _embed(self, encoding: Float[Tensor, "positions channels"]) -> list[Tensor]:
        return [cast("_Subnet", coupling.subnet).embed_positions(encoding) for coupling in self._network.couplings]
