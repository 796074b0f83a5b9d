"""PatchCore: distance to the nearest remembered patch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.coreset import choose_coreset
from unoqa.lowquality.parts.fibres import find_finest, join_scales, smooth, to_fibres
from unoqa.lowquality.parts.moments import Moments
from unoqa.lowquality.parts.pooling import Pool, score_maps
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

NEIGHBOURS = 9
"""Patches of the memory by which the published form weighs the worst distance."""

PATCHES_AT_ONCE = 4096
"""Patches that are added to the moments together, in double precision."""


@final
@settings
class Patchcore(LowQualityModule):
    """Euclidean distance to the nearest patch of a memory (Roth et al. 2022, arXiv 2106.08265).

    A patch is a fibre (the vector of channels at one place) averaged over its neighbours; the scales are joined on
    the finest grid. The memory is a coreset: patches are drawn at random, and greedy k-centre keeps a few of them that
    lie near all others. Higher = further from outstanding.

    With `shrinkage` below 1 the distance is Mahalanobis's (1936), by the covariance of the patches drawn, shrunk by
    that share towards equal variances (Ledoit, Wolf 2004): what seldom varies between outstanding patches then counts
    for more.

    With `form = "published"` places outside the grid count as 0 in the averages, and the worst distance is multiplied
    by 1 less the softmax of the distances to the 9 patches nearest to the nearest one (equation 7); that makes a score
    of `pool = "max"`.

    Example:
        >>> Patchcore(ratio=0.1, pool="max", form="published").ratio
        0.1
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; empty: all")] = ()
    neighbourhood: Annotated[
        int, Field(ge=1, le=99, description="side of the square of places that are averaged first")
    ] = 3
    shrinkage: Annotated[
        float, Field(gt=0, le=1, description="1: Euclidean distance; less: Mahalanobis distance by a shrunk covariance")
    ] = 1.0
    ratio: Annotated[float, Field(gt=0, le=1, description="share of all patches remembered")] = 0.01
    largest_memory: Annotated[int, Field(ge=1, description="maximum number of patches remembered")] = 20_000
    largest_draw: Annotated[int, Field(ge=1, description="maximum number of patches drawn at random")] = 100_000
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"
    form: Annotated[
        Literal["compact", "published"],
        Field(description="compact: ours; published: zeros around the grid, and a maximum weighted by neighbours"),
    ] = "compact"

    min_images: ClassVar[int] = 1

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedPatchcore:
        """Draw patches image by image, then choose the memory among them."""
        del work
        selected = features.select(Selection.from_names(features.scales, self.scales).names)
        drawn, places = self._draw_patches(selected, seed)
        size = max(1, min(round(self.ratio * places * len(features)), self.largest_memory, len(drawn)))
        metric = self._fit_metric(drawn)
        transformed = _apply_metric(drawn.float(), metric).half() if metric else drawn
        memory = transformed[choose_coreset(transformed, size, seed=seed)]
        return _FittedPatchcore(self, features.scales, {"memory": memory, **metric})

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedPatchcore:
        """Return the fitted module that gave `state`."""
        return _FittedPatchcore(self, scales, dict(state))

    def _draw_patches(self, features: FeatureSet, seed: int) -> tuple[Float[Tensor, "drawn channels"], int]:
        """Draw the same number of patches at random from each image; return them, and the number of places per image.

        They go into one array allocated in advance: many small arrays would fragment the memory.
        """
        generator = torch.Generator().manual_seed(seed)
        drawn, places, share = None, 0, 0
        for number, pyramid in enumerate(features.batches(size=1)):
            patches = to_fibres(self._join_smoothed(pyramid))[0]
            if drawn is None:
                places = len(patches)
                share = max(1, min(places, self.largest_draw // len(features)))
                drawn = patches.new_empty(share * len(features), patches.shape[1], dtype=torch.float16)
            chosen = torch.randperm(places, generator=generator)[:share].to(patches.device)
            drawn[number * share : (number + 1) * share] = patches[chosen]
        assert drawn is not None, "a set to fit on is not empty"
        return drawn, places

    def _fit_metric(self, drawn: Float[Tensor, "drawn channels"]) -> State:
        """Return the mean of the patches and the matrix that multiplies them; empty for Euclidean distance."""
        if self.shrinkage == 1:
            return {}
        moments = Moments.empty(drawn.shape[1], drawn.device)
        for part in torch.split(drawn, PATCHES_AT_ONCE):
            moments.add(part)
        return {"mean": moments.mean.float(), "metric": moments.covariance_whitening(self.shrinkage).float()}

    def _join_smoothed(self, pyramid: FeaturePyramid) -> Float[Tensor, "batch channels rows columns"]:
        """Average each place with its neighbours, then join the scales on the finest grid."""
        smoothed = [smooth(grid, self.neighbourhood, pad=self.form == "published") for grid in pyramid.scales]
        return join_scales(smoothed, find_finest(smoothed))


@final
class _FittedPatchcore(FittedModule):
    def __init__(self, settings: Patchcore, scales: tuple[Scale, ...], state: State) -> None:
        self._settings = settings
        self._selection = Selection.from_names(scales, settings.scales)
        self._state = state
        self._vectors = state["memory"].float()
        self._norms = self._vectors.square().sum(dim=1)

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map of distances."""
        grid = self._settings._join_smoothed(self._selection.select(pyramid))
        images = [_apply_metric(patches, self._state) for patches in to_fibres(grid)]
        distances = torch.stack([self._compute_distances(patches) for patches in images])
        evidence = score_maps((distances.reshape(-1, *grid.shape[-2:]),), self._settings.pool)
        if self._settings.form == "compact" or self._settings.pool != "max":
            return evidence
        worst = zip(images, distances.argmax(dim=1), strict=True)
        weights = torch.stack([self._weigh(patches[place]) for patches, place in worst])
        return Evidence(evidence.score + torch.log(weights), evidence.maps)

    def _weigh(self, patch: Float[Tensor, " channels"]) -> Float[Tensor, ""]:
        """Return the weight of the worst patch's distance: low where its neighbours in the memory lie far apart."""
        nearest = self._vectors[(self._vectors - patch).square().sum(dim=1).argmin()]
        around = (self._vectors - nearest).square().sum(dim=1).topk(min(NEIGHBOURS, len(self._vectors)), largest=False)
        distances = (self._vectors[around.indices] - patch).square().sum(dim=1).sqrt()
        return 1 - functional.softmax(distances, dim=0)[0]

    def state(self) -> State:
        """Return the remembered patches, in half precision, and the metric if there is one."""
        return self._state

    def _compute_distances(self, patches: Float[Tensor, "places channels"]) -> Float[Tensor, " places"]:
        """Return the distances to the nearest vectors by ‖a-b‖² = ‖a‖² - 2ab + ‖b‖², one matrix product per image."""
        squared = self._norms - 2 * patches @ self._vectors.T
        return torch.sqrt((squared.amin(dim=1) + patches.square().sum(dim=1)).clamp_min(0))


def _apply_metric(patches: Float[Tensor, "places channels"], metric: State) -> Float[Tensor, "places channels"]:
    """Transform patches so that Euclidean distance is the wanted one; without a metric return them as they are."""
    return (patches - metric["mean"]) @ metric["metric"].T if "metric" in metric else patches
