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

PROCESSOR = torch.device("cpu")


@final
@dataclass(frozen=True)
class Specimens:
    """Labelled images, as each reference wants them.

    Attributes:
        grades: 0 ungradable, 1 gradable, 2 outstanding.
        features: of a learned encoder, mean and standard deviation over the places of each channel.
        saliency: hand-made features of a saliency map.
        pixels: gives the image at a position, square, brightness 0–1.
        weights: file of the encoder's weights, from which a network may start; None: timm's cache.
        device: where a network is trained.
    """

    grades: Int[np.ndarray, " images"]
    features: Float[np.ndarray, "images channels"]
    saliency: Float[np.ndarray, "images numbers"]
    pixels: Callable[[int], Float[np.ndarray, "size size"]]
    weights: Path | None = None
    device: torch.device = PROCESSOR


class Reference(ABC):
    """Settings of a classifier that is shown labels."""

    @abstractmethod
    def predict(
        self, seen: Int[np.ndarray, " some"], unseen: Int[np.ndarray, " others"], specimens: Specimens, *, seed: int
    ) -> Float[np.ndarray, "others 3"]:
        """Learn from the specimens at positions `seen` and return the probability of each grade for the others.

        Raises:
            DataSetError: the seen images hold too few grades, or too few images of one.
        """
