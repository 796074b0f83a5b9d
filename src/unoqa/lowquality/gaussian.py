"""One shrunk Gaussian per scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.fibres import fibres, smooth
from unoqa.lowquality.parts.moments import Moments
from unoqa.lowquality.parts.pooling import Pool, log_evidence
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.evidence import Evidence


@final
@settings
class Gaussian(LowQualityModule):
    """Mahalanobis distance to one Gaussian over the fibres of all places: quality has no place of its own.

    PaDiM (Defard et al. 2021, arXiv 2011.08785) gives each place a Gaussian; here all places share one, which
    takes far fewer images. Channels are standardised, the correlation is shrunk, and a channel that declares
    its bad direction counts on that side only. The map holds the root of the mean squared whitened component;
    higher = further from outstanding.

    Example:
        >>> Gaussian(scales=("layer3",)).neighbourhood
        3
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; none named: all")] = ()
    neighbourhood: Annotated[int, Field(ge=1, le=99, description="side of the square of places averaged first")] = 3
    whole: Annotated[bool, Field(description="one fibre an image: the mean over its places")] = False
    shrinkage: Annotated[float, Field(ge=0, le=1, description="share of the correlation replaced by the identity")] = (
        0.01
    )
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"

    needs: ClassVar[int] = 2

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedGaussian:
        """Stream the fibres once through their running mean and covariance; `seed` is not used."""
        del seed, work
        chosen = features.select(Selection.of(features.scales, self.scales).names)
        moments = [Moments.empty(len(scale.channels), features.device) for scale in chosen.scales]
        for pyramid in chosen.batches():
            for moment, grid in zip(moments, pyramid.scales, strict=True):
                moment.add(self._fibres(grid).flatten(0, 1))
        state: State = {}
        for scale, moment in zip(chosen.scales, moments, strict=True):
            state[f"{scale.name}.mean"] = moment.mean.float()
            state[f"{scale.name}.spread"] = moment.spread().float()
            state[f"{scale.name}.whitening"] = moment.whitening(self.shrinkage).float()
        return _FittedGaussian(self, features.scales, state)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedGaussian:
        """Return the fitted module that gave `state`."""
        return _FittedGaussian(self, scales, dict(state))

    def _fibres(self, grid: Float[Tensor, "batch channels rows columns"]) -> Float[Tensor, "batch places channels"]:
        if self.whole:
            return grid.mean(dim=(2, 3)).unsqueeze(1)
        return fibres(smooth(grid, self.neighbourhood))


@final
class _FittedGaussian(FittedModule):
    def __init__(self, settings: Gaussian, scales: tuple[Scale, ...], state: State) -> None:
        self._settings = settings
        self._selection = Selection.of(scales, settings.scales)
        self._directions = {
            name: self._signs(scales[position], state)
            for name, position in zip(self._selection.names, self._selection.positions, strict=True)
        }
        self._state = state

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map of distances per scale."""
        grids = self._selection.chosen(pyramid).scales
        maps = tuple(self._distances(name, grid) for name, grid in zip(self._selection.names, grids, strict=True))
        return log_evidence(maps, self._settings.pool)

    def state(self) -> State:
        """Return mean, standard deviation and whitening matrix of each scale."""
        return dict(self._state)

    def _distances(self, name: str, grid: Tensor) -> Float[Tensor, "batch rows columns"]:
        rows, columns = (1, 1) if self._settings.whole else grid.shape[-2:]
        away = (self._settings._fibres(grid) - self._state[f"{name}.mean"]) / self._state[f"{name}.spread"]
        signs = self._directions[name]
        away = torch.where(signs == 0, away, signs * (signs * away).clamp_min(0))
        whitened = away @ self._state[f"{name}.whitening"].T
        return torch.sqrt(whitened.square().mean(dim=2)).reshape(-1, rows, columns)

    def _signs(self, scale: Scale, state: State) -> Float[Tensor, " channels"]:
        directions = scale.directions or (0,) * len(scale.channels)
        return torch.tensor(directions, dtype=torch.float32, device=state[f"{scale.name}.mean"].device)
