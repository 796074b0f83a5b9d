"""Dim: little light came back from a region, and its capillaries sank into the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import axes, blended, patch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
class Dim(Damage):
    """A shadow from one side or over a part, or dark corners."""

    frequency: ClassVar[float] = 3.0

    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Take brightness away by a floor and a factor: faint capillaries go first, large vessels stay."""
        size = len(pixels)
        corners = rng.random() < 0.25
        shade = _corners(size, severity) if corners else patch(size, 0.2 * severity**0.5 + 0.5 * severity, rng)
        dark = np.maximum(0.8 * pixels - np.float32(0.2), np.float32(0.12) * pixels)
        return blended(pixels, dark, shade * np.float32(min(1.0, 0.6 + severity)) * (severity > 0))


def _corners(size: int, severity: float) -> NDArray[np.float32]:
    x, y = axes(size)
    away = np.hypot(x - 0.5, y - 0.5)
    return np.asarray(np.clip((away - 0.7 + 0.5 * severity) / 0.2, 0, 1), dtype=np.float32)
