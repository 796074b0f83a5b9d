"""Dim: little light came back from a region, and its capillaries became too dark to see."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.contract import Damage
from unoqa.benchmark.phantom.damage.parts.fields import blend, draw_patch
from unoqa.benchmark.phantom.eye import make_pixel_grid


@final
class Dim(Damage):
    """A shadow from one side or over a part, or dark corners."""

    frequency: ClassVar[float] = 3.0
    measures: ClassVar[tuple[str, ...]] = (
        "black_area",
        "illumination",
        "brightness",
        "vessel_signal",
        "capillary_signal",
    )

    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Subtract an offset and scale the rest down: weak capillaries vanish first, large vessels stay."""
        size = len(pixels)
        corners = rng.random() < 0.25
        shade = (
            _shade_corners(size, severity) if corners else draw_patch(size, 0.2 * severity**0.5 + 0.5 * severity, rng)
        )
        dark = np.maximum(0.8 * pixels - np.float32(0.2), np.float32(0.12) * pixels)
        return blend(pixels, dark, shade * np.float32(min(1.0, 0.6 + severity)) * (severity > 0))


def _shade_corners(size: int, severity: float) -> Float32[np.ndarray, "size size"]:
    x, y = make_pixel_grid(size)
    distance = np.hypot(x - 0.5, y - 0.5)
    return np.asarray(np.clip((distance - 0.7 + 0.5 * severity) / 0.2, 0, 1), dtype=np.float32)
