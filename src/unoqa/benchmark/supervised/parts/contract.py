"""The contract of a supervised reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU = torch.device("cpu")


@final
@dataclass(frozen=True)
class LabelledData:
    """The grades of images, and the inputs that the references use; each reference uses some of them.

    Attributes:
        grades: 0 ungradable, 1 gradable, 2 outstanding.
        features: features of a learned encoder: mean and standard deviation of each channel over all positions.
        saliency: hand-made features of a saliency map.
        pixels: returns the image at a position of `grades`, square, brightness 0–1.
        weights: file of the encoder's weights, from which a network starts; None: timm's cache.
        device: where a network is trained.
    """

    grades: Int[np.ndarray, " images"]
    features: Float[np.ndarray, "images channels"]
    saliency: Float[np.ndarray, "images numbers"]
    pixels: Callable[[int], Float[np.ndarray, "size size"]]
    weights: Path | None = None
    device: torch.device = CPU


class SupervisedReference(ABC):
    """Settings of a classifier that learns from labels."""

    @abstractmethod
    def fit_predict(
        self, train: Int[np.ndarray, " train"], test: Int[np.ndarray, " test"], data: LabelledData, *, seed: int
    ) -> Float[np.ndarray, "test 3"]:
        """Fit on the images at positions `train`; return the probability of each grade for those at `test`.

        Raises:
            DataSetError: the training images have too few grades, or too few images of one grade.
        """
