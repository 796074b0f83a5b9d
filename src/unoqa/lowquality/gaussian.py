"""One Gaussian per scale, with a shrunk correlation matrix, over the fibres of all places.

A fibre is the vector of all channels at one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.fibres import smooth, to_fibres
from unoqa.lowquality.parts.moments import Moments
from unoqa.lowquality.parts.pooling import Pool, score_maps
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unoqa.core.evidence import Evidence


@final
@settings
class Gaussian(LowQualityModule):
    """Mahalanobis distance to one Gaussian that all places share.

    PaDiM (Defard et al. 2021, arXiv 2011.08785) gives each place its own Gaussian; a shared Gaussian needs far fewer
    images. Channels are standardised, the correlation matrix is shrunk towards the identity, and a channel that
    declares its bad direction counts on that side only. The map holds the root mean square of the whitened channels;
    higher = further from outstanding.

    Example:
        >>> Gaussian(scales=("layer3",)).neighbourhood
        3
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; empty: all")] = ()
    neighbourhood: Annotated[
        int, Field(ge=1, le=99, description="side of the square of places that are averaged first")
    ] = 3
    global_pooling: Annotated[bool, Field(description="use one vector per image: the mean over its places")] = False
    shrinkage: Annotated[
        float, Field(ge=0, le=1, description="share of the correlation matrix replaced by the identity")
    ] = 0.01
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"

    min_images: ClassVar[int] = 2

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedGaussian:
        """Compute the mean and covariance of the fibres in one pass; `seed` is not used."""
        del seed, work
        selected = features.select(Selection.from_names(features.scales, self.scales).names)
        moments = [Moments.empty(len(scale.channels), features.device) for scale in selected.scales]
        for pyramid in selected.batches():
            for moment, grid in zip(moments, pyramid.scales, strict=True):
                moment.add(to_fibres(self._smooth(grid)).flatten(0, 1))
        state: State = {}
        for scale, moment in zip(selected.scales, moments, strict=True):
            state[f"{scale.name}.mean"] = moment.mean.float()
            state[f"{scale.name}.std"] = moment.std().float()
            state[f"{scale.name}.whitening"] = moment.correlation_whitening(self.shrinkage).float()
        return _FittedGaussian(self, features.scales, state)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedGaussian:
        """Return the fitted module that gave `state`."""
        return _FittedGaussian(self, scales, dict(state))

    def _smooth(
        self, grid: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels _rows _columns"]:
        """Average neighbours, or all places."""
        if self.global_pooling:
            return grid.mean(dim=(2, 3), keepdim=True)
        return smooth(grid, self.neighbourhood)


@final
class _FittedGaussian(FittedModule):
    def __init__(self, settings: Gaussian, scales: tuple[Scale, ...], state: State) -> None:
        self._settings = settings
        self._selection = Selection.from_names(scales, settings.scales)
        self._signs = {
            name: _read_directions(scales[position], state[f"{name}.mean"].device)
            for name, position in zip(self._selection.names, self._selection.positions, strict=True)
        }
        self._state = state

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map of distances per scale."""
        return self._predict_smoothed(self._smooth(pyramid))

    @classmethod
    def predict_each(cls, modules: Sequence[Self], pyramid: FeaturePyramid) -> list[Evidence]:
        """Average neighbours once for all modules."""
        smoothed = modules[0]._smooth(pyramid)
        return [module._predict_smoothed(smoothed) for module in modules]

    def state(self) -> State:
        """Return mean, standard deviation and whitening matrix of each scale."""
        return dict(self._state)

    def _smooth(self, pyramid: FeaturePyramid) -> list[Tensor]:
        return [self._settings._smooth(grid) for grid in self._selection.select(pyramid).scales]

    def _predict_smoothed(self, grids: Sequence[Float[Tensor, "batch _channels _rows _columns"]]) -> Evidence:
        maps = tuple(map(self._compute_distances, self._selection.names, grids))
        return score_maps(maps, self._settings.pool)

    def _compute_distances(
        self, name: str, grid: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch rows columns"]:
        deviations = (to_fibres(grid) - self._state[f"{name}.mean"]) / self._state[f"{name}.std"]
        if (signs := self._signs[name]) is not None:
            deviations = torch.where(signs == 0, deviations, signs * (signs * deviations).clamp_min(0))
        whitened = deviations @ self._state[f"{name}.whitening"].T
        return torch.sqrt(whitened.square().mean(dim=2)).reshape(-1, *grid.shape[-2:])


def _read_directions(scale: Scale, device: torch.device) -> Float[Tensor, " channels"] | None:
    """Return the bad direction of each channel: 1, -1 or 0 (none); None where no channel has one."""
    return torch.tensor(scale.directions, dtype=torch.float32, device=device) if scale.directions else None
