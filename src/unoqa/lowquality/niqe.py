"""The distance between an image's own Gaussian and that of outstanding images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.errors import UsageError
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale, find_scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.fibres import fibres
from unoqa.lowquality.parts.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_VARIANCE = 1e-6
"""Of the variance that outstanding images have, and of the largest direction's: below it, a direction is flat."""


@final
@settings
class Niqe(LowQualityModule):
    """NIQE (Mittal, Soundararajan, Bovik 2013, equation 10): the distance of two Gaussians of patch features.

    d² = (m1-m2)ᵀ ((S1+S2)/2)⁻¹ (m1-m2), where m1, S1 are mean and covariance of the sharp patches of outstanding
    images and m2, S2 of all patches of the image. The inverse takes flat directions as having a small variance,
    where NIQE's pseudo-inverse leaves them out: what never varied must not vary unseen. The map holds the distance
    of each patch by the same covariance. Features count both ways; higher = further from outstanding. The encoder
    `nss` is made for it.

    Example:
        >>> Niqe(scale="patches", sharpness="sharpness").sharp
        0.75
    """

    scale: Annotated[str, Field(description="scale to use; none named: the first")] = ""
    sharpness: Annotated[
        str, Field(description="scale by whose first channel sharp patches are chosen; none named: all patches")
    ] = ""
    sharp: Annotated[float, Field(ge=0, le=1, description="share of the sharpest patch's sharpness that is sharp")] = (
        0.75
    )

    needs: ClassVar[int] = 1

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedNiqe:
        """Stream the sharp patches once through their mean and covariance; `seed` is not used.

        Raises:
            UsageError: sharpness is not given at the places of the features.
        """
        del seed, work
        position = self._position(features.scales)
        moments = Moments.empty(len(features.scales[position].channels), features.device)
        for pyramid in features.batches():
            patches = fibres(pyramid.scales[position])
            moments.add(patches[self._chosen(pyramid, features.scales)])
        spread = moments.spread()
        covariance = moments.scatter / max(moments.count - 1, 1) / torch.outer(spread, spread)
        state = {"mean": moments.mean.float(), "spread": spread.float(), "covariance": covariance.float()}
        return _FittedNiqe(self, features.scales, state)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedNiqe:
        """Return the fitted module that gave `state`."""
        return _FittedNiqe(self, scales, dict(state))

    def _position(self, scales: tuple[Scale, ...]) -> int:
        return find_scale(scales, self.scale) if self.scale else 0

    def _chosen(self, pyramid: FeaturePyramid, scales: tuple[Scale, ...]) -> Bool[Tensor, "batch places"]:
        """Mark the patches that are nearly as sharp as the sharpest of their image, which is always among them."""
        grid = pyramid.scales[self._position(scales)]
        if not self.sharpness:
            return torch.ones_like(grid[:, 0], dtype=torch.bool).flatten(1)
        sharpness = pyramid.scales[find_scale(scales, self.sharpness)]
        if sharpness.shape[2:] != grid.shape[2:]:
            raise UsageError(
                f"Scale '{self.sharpness}' has {_size(sharpness)} places and scale "
                f"'{scales[self._position(scales)].name}' {_size(grid)}, so it cannot choose among them; name another "
                "for setting 'sharpness', or none."
            )
        values = sharpness[:, 0].flatten(1)
        sharpest = values.amax(dim=1, keepdim=True)
        return values >= torch.minimum(self.sharp * sharpest, sharpest)


@final
class _FittedNiqe(FittedModule):
    def __init__(self, settings: Niqe, scales: tuple[Scale, ...], state: State) -> None:
        self._position = settings._position(scales)
        self._state = state
        self._mean, self._spread, self._covariance = (state[name].double() for name in ("mean", "spread", "covariance"))

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map: the distance of each patch."""
        grid = pyramid.scales[self._position]
        judged = [self._judge(patches) for patches in fibres(grid.double())]
        maps = torch.stack([distances for _, distances in judged]).reshape(-1, *grid.shape[2:])
        return Evidence(score=torch.stack([score for score, _ in judged]).float(), maps=(maps.float(),))

    def state(self) -> State:
        """Return mean, standard deviation and covariance of the standardised channels."""
        return dict(self._state)

    def _judge(self, patches: Float[Tensor, "places channels"]) -> tuple[Float[Tensor, ""], Float[Tensor, " places"]]:
        away = (patches - self._mean) / self._spread
        centre = away.mean(dim=0)
        own = (away - centre).T @ (away - centre) / max(len(away) - 1, 1)
        whitening = _whitening((self._covariance + own) / 2)
        return (centre @ whitening).norm(), (away @ whitening).norm(dim=1)


def _whitening(covariance: Float[Tensor, "channels channels"]) -> Float[Tensor, "channels channels"]:
    """Return W with W Wᵀ the inverse of the covariance, its flat directions raised."""
    variances, directions = torch.linalg.eigh(covariance)
    least = SMALLEST_VARIANCE * float(variances[-1].clamp_min(1))
    return directions / torch.sqrt(variances.clamp_min(least))


def _size(grid: Float[Tensor, "batch channels rows columns"]) -> str:
    return f"{grid.shape[2]}×{grid.shape[3]}"
