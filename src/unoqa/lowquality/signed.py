"""How far each place of the field is on the bad side of what is usual there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.errors import unknown_name_error
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale, find_scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.pooling import Pool, pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@final
@settings
class Signed(LowQualityModule):
    """Standard deviations on the bad side of the outstanding images' mean at the same place, clipped.

    PaDiM (Defard et al. 2021) with a diagonal covariance and one difference: a channel that declares its bad
    direction counts on that side only, so an image that is better than usual does not score worse for it. The
    ceiling bounds what one place adds to the score: one black corner cannot outweigh a field that is dim
    everywhere. Higher = worse.

    Example:
        >>> Signed(scale="tiles", channels=("black_area",)).ceiling
        5.0
    """

    scale: Annotated[str, Field(description="scale to use")] = "tiles"
    channels: Annotated[tuple[str, ...], Field(description="channels to use; empty: all")] = ()
    neighbourhood: Annotated[
        int, Field(ge=1, le=99, description="side of the square of places over which mean and variance are averaged")
    ] = 3
    floor: Annotated[
        float,
        Field(gt=0, description="added in quadrature to the standard deviation of each place, in the channel's unit"),
    ] = 0.01
    ceiling: Annotated[float, Field(gt=0, description="maximum number of standard deviations that count")] = 5.0
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"

    min_images: ClassVar[int] = 2

    def reads(self, channel: str) -> bool:
        """Tell whether it reads a channel."""
        return not self.channels or channel in self.channels

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> FittedSigned:
        """Compute mean and variance at each place in one pass over the images; `seed` is not used."""
        del seed, work
        position, channels = self._find_channels(features.scales)
        total = squares = torch.zeros((), dtype=torch.float64, device=features.device)
        for pyramid in features.batches(size=64):
            grid = pyramid.scales[position][:, channels].double()
            total = total + grid.sum(dim=0)
            squares = squares + grid.square().sum(dim=0)
        mean = total / len(features)
        variance = (squares / len(features) - mean.square()).clamp_min(0)
        std = torch.sqrt(self._average_neighbours(variance) + self.floor**2)
        state = {"mean": self._average_neighbours(mean).float(), "std": std.float()}
        return FittedSigned(self, features.scales, state)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> FittedSigned:
        """Return the fitted module that gave `state`."""
        return FittedSigned(self, scales, dict(state))

    def _find_channels(self, scales: tuple[Scale, ...]) -> tuple[int, list[int]]:
        """Return the position of the scale, and the positions of the channels in it."""
        position = find_scale(scales, self.scale)
        offered = scales[position].channels
        for name in self.channels:
            if name not in offered:
                raise unknown_name_error(f"channel of scale '{self.scale}'", name, offered)
        return position, [offered.index(name) for name in self.channels or offered]

    def _average_neighbours(
        self, grid: Float[Tensor, "channels rows columns"]
    ) -> Float[Tensor, "channels rows columns"]:
        reach = self.neighbourhood // 2
        padded = functional.pad(grid[None], (reach, reach, reach, reach), mode="replicate")
        return functional.avg_pool2d(padded, 2 * reach + 1, stride=1)[0]


@final
class FittedSigned(FittedModule):
    """Mean and standard deviation at each place, and the bad direction of each channel."""

    def __init__(self, settings: Signed, scales: tuple[Scale, ...], state: State) -> None:
        self._settings = settings
        self._position, self._channels = settings._find_channels(scales)
        directions = scales[self._position].directions
        signs = [directions[channel] for channel in self._channels] if directions else [0] * len(self._channels)
        self._signs = torch.tensor(signs, device=state["mean"].device).reshape(-1, 1, 1).float()
        self._state = state

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map: the mean over the channels."""
        return self._score(self.channel_maps(pyramid))

    @classmethod
    def predict_each(cls, modules: Sequence[Self], pyramid: FeaturePyramid) -> list[Evidence]:
        """Compare the channels with the means of all modules at once: maps are so small that calls cost most."""
        first = modules[0]
        means, stds = (torch.stack([one._state[name] for one in modules])[:, None] for name in ("mean", "std"))
        return [first._score(maps) for maps in first._count_stds(first.channel_values(pyramid), means, stds)]

    def channel_maps(self, pyramid: FeaturePyramid) -> Float[Tensor, "batch channels rows columns"]:
        """Return one map for each channel, in standard deviations from 0 to the ceiling."""
        return self._count_stds(self.channel_values(pyramid), self._state["mean"], self._state["std"])

    def channel_values(self, pyramid: FeaturePyramid) -> Float[Tensor, "batch channels rows columns"]:
        """Return the values of the channels, in their own unit."""
        return pyramid.scales[self._position][:, self._channels]

    def _count_stds(
        self,
        grid: Float[Tensor, "batch channels rows columns"],
        mean: Float[Tensor, "... channels rows columns"],
        std: Float[Tensor, "... channels rows columns"],
    ) -> Float[Tensor, "... channels rows columns"]:
        """Return how many standard deviations each value lies on the bad side, from 0 to the ceiling."""
        deviations = (grid - mean) / std
        bad = torch.where(self._signs == 0, deviations.abs(), deviations * self._signs)
        return bad.clamp(0, self._settings.ceiling)

    def _score(self, maps: Float[Tensor, "batch channels rows columns"]) -> Evidence:
        mean_map = maps.mean(dim=1)
        return Evidence(score=pool(mean_map, self._settings.pool), maps=(mean_map,))

    def state(self) -> State:
        """Return mean and standard deviation at each place."""
        return dict(self._state)
