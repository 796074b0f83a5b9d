"""Noise: speckle and streaks as bright as the capillaries that they hide."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import blended, patch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
class Noise(Damage):
    """Grain in place of capillaries over a part of the field; large vessels still shine through."""

    frequency: ClassVar[float] = 2.0
    stage: ClassVar[int] = 2

    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Replace fine structure by grain of the same local brightness."""
        grain = rng.standard_gamma(0.8, pixels.shape, dtype=np.float32) / np.float32(0.8)
        if rng.random() < 0.4:
            grain = _streaks(grain)
        wide = gaussian_filter(pixels, 2.2 * len(pixels) / 320)
        weight = patch(len(pixels), 0.1 + 0.9 * severity, rng) if severity > 0 else np.zeros_like(pixels)
        return blended(pixels, wide * grain, weight * np.float32(min(1.0, 0.35 + 0.6 * severity)))


def _streaks(grain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smear grain along the lines of the scan, and keep its spread."""
    smeared = gaussian_filter1d(grain, 2.5, axis=1) + 0.35 * grain - 1.35
    return np.asarray(np.maximum(0.0, 1 + smeared * grain.std() / smeared.std()), dtype=np.float32)
