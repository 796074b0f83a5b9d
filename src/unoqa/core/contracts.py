"""The contract of every shelf: settings, and the learned object that they return.

Settings are frozen dataclasses; `fit` (or `open`) returns another, finished object. What has learned gives
its arrays as `state()`, and the same settings `restore` it, so that no file ever holds code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch

    from unoqa.core.grading import RunRecord
    from unoqa.core.image import EnfaceImage

State = dict[str, Tensor]
"""Named arrays: what a learned object needs beside its settings."""


NO_WORK = Work()
"""Nobody watches, and nothing is kept."""


def select_prefix(state: Mapping[str, Tensor], prefix: str) -> State:
    """Return the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


class Format(ABC):
    """One kind of image file."""

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def matches(self, head: bytes) -> bool:
        """Tell by a file's first bytes (at least 32 where it has as many) whether it is of this kind."""

    @abstractmethod
    def pages(self, path: Path) -> int:
        """Count the images in the file.

        Raises:
            ImageError: the file is damaged.
        """

    @abstractmethod
    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one page (from 0) as grey, scaled by the range of its type, never saturated.

        Raises:
            ImageError: the file is damaged, too large or of an unsupported kind.
        """


class OpenEncoder(ABC):
    """An encoder ready to run.

    Attributes:
        scales: the grids that `encode` returns.
        checksum: SHA-256 of the weights; empty where there are none.
    """

    scales: tuple[Scale, ...]
    checksum: str

    @abstractmethod
    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Encode images with brightness 0–1; an image's features do not depend on its batch."""

    @abstractmethod
    def state(self) -> State:
        """Return the weights; empty where there are none."""


class Encoder(ABC):
    """Settings of an encoder."""

    @abstractmethod
    def open(self, *, device: torch.device, weights: Path | State | None = None) -> OpenEncoder:
        """Make the encoder ready.

        Args:
            weights: a file, or the arrays of a saved model; None takes those of the encoder's own cache.

        Raises:
            WeightsError: the weights are missing or do not fit.
        """


class FittedModule(ABC):
    """A low-quality module that has learned what outstanding looks like."""

    @abstractmethod
    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Score images; neither their batch nor their order changes a score."""

    @abstractmethod
    def state(self) -> State:
        """Return the learned arrays."""


@runtime_checkable
class WithLatents(Protocol):
    """A fitted module that also has a latent: what its flow makes of the features."""

    def latents(self, pyramid: FeaturePyramid) -> tuple[Float[Tensor, "batch _channels _rows _columns"], ...]:
        """Return the latent of each scale, standard normal where the features are outstanding."""
        ...


class LowQualityModule(ABC):
    """Settings of a low-quality module.

    Attributes:
        needs: the smallest number of outstanding images that it can learn from.
        has_latents: whether what has learned is `WithLatents`.
    """

    needs: ClassVar[int]
    has_latents: ClassVar[bool] = False

    @abstractmethod
    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedModule:
        """Learn from the features of outstanding images.

        Args:
            work: told of progress, and asked for what was kept, by modules that learn for long.
        """

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedModule:
        """Return the module that gave `state`; it scores bit-identically."""


class Threshold(ABC):
    """Settings of the gate between outstanding and not."""

    @property
    @abstractmethod
    def needs(self) -> int:
        """The smallest number of outstanding images that it can be set from."""

    @abstractmethod
    def fit(self, scores: Float[np.ndarray, "images"]) -> float:
        """Return the score above which an image is not outstanding.

        Args:
            scores: of outstanding images, each by a model that has not seen it.
        """


class FittedReduction(ABC):
    """A projection to few dimensions."""

    @abstractmethod
    def project(self, points: Float[np.ndarray, "images high"]) -> Float[np.ndarray, "images low"]:
        """Project points, each for itself."""

    @abstractmethod
    def state(self) -> State:
        """Return the learned arrays."""


class Reduction(ABC):
    """Settings of a dimension reduction: F_H → F_L in the paper."""

    @abstractmethod
    def fit(self, points: Float[np.ndarray, "images high"], *, seed: int) -> FittedReduction:
        """Learn a projection from points."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> FittedReduction:
        """Return the projection that gave `state`."""


@final
@dataclass(frozen=True)
class Assignment:
    """Which of two clusters each point belongs to, and how clearly.

    Attributes:
        cluster: 0 or 1.
        margin: from 0 (between the clusters) to 1 (at the own centre, or far beyond it).
    """

    cluster: Int[np.ndarray, "images"]
    margin: Float[np.ndarray, "images"]


class Partition(ABC):
    """Two clusters that new points can be assigned to."""

    @abstractmethod
    def assign(self, points: Float[np.ndarray, "images low"]) -> Assignment:
        """Assign points, each for itself."""

    @abstractmethod
    def state(self) -> State:
        """Return the learned arrays."""


class Clustering(ABC):
    """Settings of a clustering into two."""

    @abstractmethod
    def fit(self, points: Float[np.ndarray, "images low"], *, seed: int) -> tuple[Partition, Assignment]:
        """Return the partition and the assignment of the very points it was learned from.

        The two agree except where a method has no rule for new points (agglomerative clustering): then the
        partition assigns to the nearest centre.
        """

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> Partition:
        """Return the partition that gave `state`."""


class Output(ABC):
    """One kind of result that a run leaves in its folder."""

    @abstractmethod
    def each(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write what belongs to one image, as soon as it is scored; `heat` has the image's size."""

    def has(self, folder: Path, image: str) -> bool:
        """Tell whether what belongs to the image of that name is there, where a run goes on after it was killed."""
        del folder, image
        return True

    @abstractmethod
    def finish(self, folder: Path, record: RunRecord) -> None:
        """Write what belongs to the whole run."""
