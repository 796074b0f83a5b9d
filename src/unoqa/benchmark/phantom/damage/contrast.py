"""Contrast: a veil lay over the picture, and everything became grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import clouds

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
class Contrast(Damage):
    """A cloudy veil over the whole field."""

    frequency: ClassVar[float] = 1.0

    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Draw every pixel towards a grey, by up to six sevenths of its difference."""
        mask = np.full(pixels.shape, severity > 0)
        veil = rng.uniform(0.8, 1.2) * pixels.mean() * (1 + 0.08 * clouds(len(pixels), 0.1, rng))
        washed = pixels + 0.86 * severity**0.8 * (veil - pixels)
        return np.where(mask, np.clip(washed, 0, 1), pixels).astype(np.float32), mask
