"""A low-quality module in one file, written with `unoqa.contracts` only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import Tensor

from unoqa.contracts import (
    NO_WORK,
    Evidence,
    FeaturePyramid,
    FeatureSet,
    FittedModule,
    LowQualityModule,
    Scale,
    State,
    Work,
    settings,
)


@final
@settings
class ChannelMean(LowQualityModule):
    """Euclidean distance of each place from the mean channels of the outstanding images; higher = worse."""

    floor: Annotated[float, Field(ge=0, description="distance that counts as none")] = 0.0

    min_images: ClassVar[int] = 1

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedChannelMean:
        """Average the channels over all images and places; `seed` is not used."""
        del seed, work
        means = [batch.scales[0].mean(dim=(0, 2, 3)) for batch in features.batches(1)]
        return FittedChannelMean(self, torch.stack(means).mean(dim=0))

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedChannelMean:
        """Return the fitted module that gave `state`."""
        del scales
        return FittedChannelMean(self, state["mean"])


@final
class FittedChannelMean(FittedModule):
    """The mean channels."""

    def __init__(self, settings: ChannelMean, mean: Tensor) -> None:
        self._settings = settings
        self._mean = mean

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return the distance at each place, and its mean."""
        away = (pyramid.scales[0] - self._mean[None, :, None, None]).square().sum(dim=1).sqrt()
        grid = (away - self._settings.floor).clamp_min(0)
        return Evidence(score=torch.stack([one.mean() for one in grid]), maps=(grid,))

    def state(self) -> State:
        """Return the mean channels."""
        return {"mean": self._mean}
