"""The encoder whose channels are the measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings
from unoqa.encoders.measures.parts.measure import Measure
from unoqa.encoders.measures.parts.views import Views

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MEASURES: Shelf[Measure] = Shelf("unoqa.encoders.measures", Measure, "measure")  # type: ignore[type-abstract]


@final
@settings
class Measures(Encoder):
    """All measures. Scale `tiles` holds those with a number per place; scale `image` holds the mean of each measure.

    Images are measured at 320 pixels a side, or at their own size if it is smaller; what shows only between
    neighbouring lines is measured at the size of the file. Needs no weights and no download; takes less than 50 ms per
    image on one core.
    """

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenMeasures:
        """Return the encoder of all measures that are installed, ready to run; there are no weights."""
        del weights
        return self.open_named(MEASURES.names(), device=device)

    def open_named(self, names: Collection[str], *, device: torch.device) -> _OpenMeasures:
        """Return the encoder of some measures, such as those that a model was fitted on."""
        return _OpenMeasures({name: MEASURES.load(name)() for name in sorted(names)}, device)


@final
class _OpenMeasures(OpenEncoder):
    checksum = ""
    resizes = True

    def __init__(self, measures: dict[str, Measure], device: torch.device) -> None:
        self._measures = measures
        self._device = device
        local = {name: measure for name, measure in measures.items() if measure.local}
        self.scales = (_describe_scale("tiles", local), _describe_scale("image", measures))

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Measure images one by one."""
        measured = [self._measure(image) for image in images]
        scales = (np.stack(scale) for scale in zip(*measured, strict=True))
        return FeaturePyramid(tuple(torch.from_numpy(scale).to(self._device) for scale in scales))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}

    def _measure(
        self, image: Float[np.ndarray, "rows columns"]
    ) -> tuple[Float[np.ndarray, "local 20 20"], Float[np.ndarray, "measures 1 1"]]:
        views = Views.of(image)
        numbers = {name: measure.measure(views) for name, measure in self._measures.items()}
        tiles = [numbers[name] for name, measure in self._measures.items() if measure.local]
        whole = [values.mean(keepdims=True) for values in numbers.values()]
        return np.stack(tiles).astype(np.float32), np.stack(whole).astype(np.float32)


def _describe_scale(name: str, measures: dict[str, Measure]) -> Scale:
    return Scale(name, tuple(measures), tuple(measure.direction for measure in measures.values()))
