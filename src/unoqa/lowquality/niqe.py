"""The distance between the Gaussian of an image's own patches and that of outstanding images."""

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
from unoqa.lowquality.parts.fibres import to_fibres
from unoqa.lowquality.parts.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_VARIANCE = 1e-6
"""A direction with less variance is flat. The unit is the variance along the largest direction, at least that of
outstanding images."""


@final
@settings
class Niqe(LowQualityModule):
    """NIQE (Mittal, Soundararajan, Bovik 2013, equation 10): the distance of two Gaussians of patch features.

    d² = (m1-m2)ᵀ ((S1+S2)/2)⁻¹ (m1-m2), where m1, S1 are mean and covariance of the sharp patches of outstanding
    images and m2, S2 those of all patches of the image. NIQE's pseudo-inverse ignores flat directions; here they get
    a small variance, so that a change in a direction that never varied is seen. The map holds the distance of each
    patch by the same covariance. Features count in both directions; higher = further from outstanding. The encoder
    `nss` is made for this module.

    Example:
        >>> Niqe(scale="patches", sharpness="sharpness").sharp_share
        0.75
    """

    scale: Annotated[str, Field(description="scale to use; empty: the first")] = ""
    sharpness: Annotated[
        str, Field(description="scale whose first channel is the sharpness of patches; empty: fit on all patches")
    ] = ""
    sharp_share: Annotated[
        float, Field(ge=0, le=1, description="a patch is sharp from this share of the sharpest patch's sharpness up")
    ] = 0.75

    min_images: ClassVar[int] = 1

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedNiqe:
        """Compute mean and covariance of the sharp patches in one pass; `seed` is not used.

        Raises:
            UsageError: the scale `sharpness` has other places than the features.
        """
        del seed, work
        position = self._find_position(features.scales)
        moments = Moments.empty(len(features.scales[position].channels), features.device)
        for pyramid in features.batches():
            patches = to_fibres(pyramid.scales[position])
            moments.add(patches[self._find_sharp(pyramid, features.scales)])
        std = moments.std()
        covariance = moments.scatter / max(moments.count - 1, 1) / torch.outer(std, std)
        state = {"mean": moments.mean.float(), "std": std.float(), "covariance": covariance.float()}
        return _FittedNiqe(self, features.scales, state)

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedNiqe:
        """Return the fitted module that gave `state`."""
        return _FittedNiqe(self, scales, dict(state))

    def _find_position(self, scales: tuple[Scale, ...]) -> int:
        return find_scale(scales, self.scale) if self.scale else 0

    def _find_sharp(self, pyramid: FeaturePyramid, scales: tuple[Scale, ...]) -> Bool[Tensor, "batch places"]:
        """Mark the patches that are nearly as sharp as the sharpest patch of their image, which is always marked."""
        grid = pyramid.scales[self._find_position(scales)]
        if not self.sharpness:
            return torch.ones_like(grid[:, 0], dtype=torch.bool).flatten(1)
        sharpness = pyramid.scales[find_scale(scales, self.sharpness)]
        if sharpness.shape[2:] != grid.shape[2:]:
            raise UsageError(
                f"Setting 'sharpness' names scale '{self.sharpness}' with {_format_size(sharpness)} places, but scale "
                f"'{scales[self._find_position(scales)].name}' has {_format_size(grid)}; name a scale of that size, or "
                "leave the setting empty."
            )
        values = sharpness[:, 0].flatten(1)
        sharpest = values.amax(dim=1, keepdim=True)
        return values >= torch.minimum(self.sharp_share * sharpest, sharpest)


@final
class _FittedNiqe(FittedModule):
    def __init__(self, settings: Niqe, scales: tuple[Scale, ...], state: State) -> None:
        self._position = settings._find_position(scales)
        self._state = state
        self._mean, self._std, self._covariance = (state[name].double() for name in ("mean", "std", "covariance"))

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map: the distance of each patch."""
        grid = pyramid.scales[self._position]
        distances = [self._compute_distances(patches) for patches in to_fibres(grid.double())]
        maps = torch.stack([of_patches for _, of_patches in distances]).reshape(-1, *grid.shape[2:])
        return Evidence(score=torch.stack([of_image for of_image, _ in distances]).float(), maps=(maps.float(),))

    def state(self) -> State:
        """Return mean, standard deviation and covariance of the standardised channels."""
        return dict(self._state)

    def _compute_distances(
        self, patches: Float[Tensor, "places channels"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " places"]]:
        """Return the distance of the image and those of its patches."""
        deviations = (patches - self._mean) / self._std
        mean = deviations.mean(dim=0)
        covariance = (deviations - mean).T @ (deviations - mean) / max(len(deviations) - 1, 1)
        whitening = _whitening_matrix((self._covariance + covariance) / 2)
        return (mean @ whitening).norm(), (deviations @ whitening).norm(dim=1)


def _whitening_matrix(covariance: Float[Tensor, "channels channels"]) -> Float[Tensor, "channels channels"]:
    """Return W with W Wᵀ the inverse of the covariance, whose flat directions get the smallest variance."""
    variances, directions = torch.linalg.eigh(covariance)
    smallest = SMALLEST_VARIANCE * float(variances[-1].clamp_min(1))
    return directions / torch.sqrt(variances.clamp_min(smallest))


def _format_size(grid: Float[Tensor, "batch channels rows columns"]) -> str:
    return f"{grid.shape[2]}×{grid.shape[3]}"
