"""The contract of every shelf: a class of settings, and the fitted object that its `fit` returns.

Settings are frozen dataclasses; `fit` (or `open`) returns another, finished object. A fitted object gives its arrays
as `state()`, and the same settings `restore` it from them, so that no file holds code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, final, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch

State = dict[str, Tensor]
"""Named arrays: what a fitted object holds in addition to its settings."""


NO_WORK = Work()
"""Work that shows no progress and keeps no checkpoints."""


def select_prefix(state: Mapping[str, Tensor], prefix: str) -> State:
    """Return the arrays whose names begin with `prefix`, under their names without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


class OpenEncoder(ABC):
    """An encoder that is ready to run.

    Attributes:
        scales: the grids of features that `encode` returns.
        checksum: SHA-256 of the weights; empty where there are none.
        resizes: whether `encode` itself resizes, and is given images at the size of their files.
    """

    scales: tuple[Scale, ...]
    checksum: str
    resizes: ClassVar[bool] = False

    @abstractmethod
    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Encode images with brightness 0–1; an image's features do not depend on the rest of its batch."""

    @abstractmethod
    def state(self) -> State:
        """Return the weights; empty where there are none."""

    def graph(self, size: int) -> bytes:
        """Return the network for images of size×size pixels as an ONNX file; empty where there is none."""
        del size
        return b""


class Encoder(ABC):
    """Settings of an encoder."""

    @property
    def needs_weights(self) -> bool:
        """Whether it has weights that are no part of the installation, so that a file of them may be given."""
        return False

    @abstractmethod
    def open(self, *, device: torch.device, weights: Path | State | None = None) -> OpenEncoder:
        """Return the encoder, ready to run.

        Args:
            device: where it runs.
            weights: a file, or the arrays of a saved model; None takes them from the cache of the encoder's library.

        Raises:
            WeightsError: the weights are missing or do not fit.
        """

    def core(self) -> Encoder:
        """Return the encoder that does the costly part, and whose features are kept; by default this one."""
        return self

    def finish(self, grid: Float[Tensor, "1 channels rows columns"]) -> Float[Tensor, "1 channels rows columns"]:
        """Turn a grid of the core's features of one image into one of this encoder's; by default they are the same."""
        return grid

    def restore(self, state: State, graph: bytes, *, device: torch.device) -> OpenEncoder:
        """Return the encoder that gave weights and graph; by default the weights are all that it needs."""
        del graph
        return self.open(device=device, weights=state)


class FittedModule(ABC):
    """A low-quality module that was fitted on outstanding images."""

    @abstractmethod
    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Score images; an image's score depends neither on the rest of its batch nor on the order."""

    @classmethod
    def predict_each(cls, modules: Sequence[Self], pyramid: FeaturePyramid) -> list[Evidence]:
        """Score images by each of several modules that the same settings fitted, such as those of a panel's folds.

        Override it to do once what all of them would do alike; by default there is nothing of that kind.
        """
        return [module.predict(pyramid) for module in modules]

    @abstractmethod
    def state(self) -> State:
        """Return the fitted arrays."""


@runtime_checkable
class WithLatents(Protocol):
    """A fitted module that also has latents: a normalising flow maps features to them."""

    def compute_latents(self, pyramid: FeaturePyramid) -> tuple[Float[Tensor, "batch _channels _rows _columns"], ...]:
        """Return the latents of each scale; those of outstanding images follow a standard normal distribution."""
        ...


class LowQualityModule(ABC):
    """Settings of a low-quality module.

    Attributes:
        min_images: the smallest number of outstanding images that it can be fitted on.
        has_latents: whether the fitted module is a `WithLatents`.
    """

    min_images: ClassVar[int]
    has_latents: ClassVar[bool] = False

    def reads(self, channel: str) -> bool:
        """Tell whether it reads a channel of its encoder, by its name; by default it reads every one.

        A model can be used without a measure that none of its modules reads.
        """
        del channel
        return True

    @abstractmethod
    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedModule:
        """Fit to the features of outstanding images.

        Args:
            features: of the images, from the encoder of this module.
            seed: of all random choices.
            work: takes progress and keeps checkpoints of modules that train for long.
        """

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedModule:
        """Return the fitted module that gave `state`; it scores bit-identically."""


class Threshold(ABC):
    """Settings of the threshold: the score above which an image is not outstanding."""

    @property
    @abstractmethod
    def min_images(self) -> int:
        """The smallest number of outstanding images that it can be fitted on."""

    @abstractmethod
    def fit(self, scores: Float[np.ndarray, "images"]) -> float:
        """Return the score above which an image is not outstanding.

        Args:
            scores: of outstanding images, each from a model that was not fitted on it.
        """


class FittedReduction(ABC):
    """A fitted projection to few dimensions."""

    @abstractmethod
    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Project points; each result depends on its own point only."""

    @abstractmethod
    def state(self) -> State:
        """Return the fitted arrays."""


class Reduction(ABC):
    """Settings of a dimension reduction, the paper's F_H → F_L."""

    @abstractmethod
    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> FittedReduction:
        """Fit a projection to points."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> FittedReduction:
        """Return the projection that gave `state`."""


@final
@dataclass(frozen=True)
class Assignment:
    """Which of two clusters each point belongs to, and how clearly.

    Attributes:
        cluster: 0 or 1.
        margin: from 0 (between the clusters) to 1 (at the point's own centre, or far beyond it).
    """

    cluster: Int[np.ndarray, "images"]
    margin: Float[np.ndarray, "images"]


class Partition(ABC):
    """Two fitted clusters that new points can be assigned to."""

    @abstractmethod
    def assign(self, points: Float[np.ndarray, "images low"]) -> Assignment:
        """Assign points; each result depends on its own point only."""

    @abstractmethod
    def state(self) -> State:
        """Return the fitted arrays."""


class Clustering(ABC):
    """Settings of a clustering into two clusters."""

    @abstractmethod
    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Partition, Assignment]:
        """Return the partition, and the assignment of the points that it was fitted on.

        Both agree, except where a method has no rule for new points (agglomerative clustering): there the partition
        assigns a point to the nearest centre.
        """

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> Partition:
        """Return the partition that gave `state`."""
