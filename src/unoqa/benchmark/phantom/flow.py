"""Where blood flows in a retina: what a scan shows, before light, grain and exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float32

STATIC = 0.05
"""Signal of tissue without flow."""

VISIBLE = 0.02
"""Weight below which a change is not visible: the pixel keeps its value."""


@final
@dataclass(frozen=True)
class Flow:
    """Blood flow of one eye.

    Attributes:
        capillaries: signal of the capillary bed and of the tissue in it.
        vessels: larger vessels, from 0 (none) to 1 (a large one).
    """

    capillaries: Float32[np.ndarray, "size size"]
    vessels: Float32[np.ndarray, "size size"]

    @property
    def signal(self) -> Float32[np.ndarray, "size size"]:
        """All flow that the light meets."""
        return np.asarray(self.capillaries + 0.75 * self.vessels)

    def add_vessels(self, vessels: Float32[np.ndarray, "size size"]) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Return the flow with more vessels, and a mask of the changed pixels; the brighter of two vessels is seen."""
        mask = vessels > np.maximum(self.vessels, VISIBLE)
        return Flow(self.capillaries, np.where(mask, np.minimum(vessels, 1), self.vessels)), mask

    def close(self, weight: Float32[np.ndarray, "size size"]) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Return the flow without capillaries and small vessels where the weight is 1, and a mask of changed pixels.

        Large vessels pass through.
        """
        mask = weight > VISIBLE
        capillaries = self.capillaries - weight * (self.capillaries - np.float32(STATIC))
        stay = np.clip((self.vessels - np.float32(0.5)) / np.float32(0.2), 0, 1)
        vessels = self.vessels * (1 - weight * (1 - stay))
        return Flow(np.where(mask, capillaries, self.capillaries), np.where(mask, vessels, self.vessels)), mask
