"""PaDiM: one Gaussian per place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, final

import torch
from jaxtyping import Float, Int, Shaped
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State
from unoqa.core.errors import FitError
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.parts.fibres import find_finest, join_scales, to_fibres
from unoqa.lowquality.parts.pooling import Pool, score_maps
from unoqa.lowquality.parts.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

Form = Literal["compact", "published"]
"""Ours, or as published."""

STRIDE, BLUR = 4, 4.0
"""Pixels for each place of a ResNet's layer 1, and the standard deviation in pixels of the published blur."""

PLACES_AT_ONCE = 100
"""Places whose covariances are inverted together: all of them at once would need ten times the memory."""


@final
@settings
class Padim(LowQualityModule):
    """Mahalanobis distance to one Gaussian at each place (Defard et al. 2021, arXiv 2011.08785).

    The scales are joined on one grid; a random set of their channels is kept, chosen once by the seed. Only running
    sums are kept while fitting, so memory does not grow with the number of images. The inverse Cholesky factors are
    kept as half-precision triangles (64 MB at 200 channels and 40×40 places). Higher = further from outstanding.

    With `form = "published"` coarser scales repeat their values instead of being interpolated, covariances divide by
    n - 1, the factors stay in single precision, and the score is that of the map at the image's size, blurred; so
    anomalib does it (Akcay et al. 2022). The map itself stays as it is.

    Example:
        >>> Padim(channels=550, largest_grid=80, form="published").channels
        550
    """

    scales: Annotated[tuple[str, ...], Field(description="scales to use; empty: all")] = ()
    channels: Annotated[int, Field(ge=1, description="number of random channels kept")] = 200
    largest_grid: Annotated[int, Field(ge=1, description="maximum places per side; finer scales are averaged")] = 40
    regularisation: Annotated[float, Field(gt=0, description="added to each variance")] = 0.01
    pool: Annotated[Pool, Field(description="how a map becomes a score")] = "mean"
    form: Annotated[Form, Field(description="compact: ours; published: as published, larger and slower")] = "compact"

    min_images: ClassVar[int] = 2

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedPadim:
        """Compute mean and covariance at each place in one pass over the images.

        Raises:
            FitError: the regularisation is too small for these features.
        """
        del work
        selected = features.select(Selection.from_names(features.scales, self.scales).names)
        offered = sum(len(scale.channels) for scale in selected.scales)
        generator = torch.Generator().manual_seed(seed)
        kept = torch.randperm(offered, generator=generator)[: self.channels].sort().values
        mean, covariance = self._fit_moments(selected, kept.to(features.device))
        whitening = torch.cat([self._fit_whitening(part) for part in torch.split(covariance, PLACES_AT_ONCE)])
        return _FittedPadim(self, features.scales, {"channels": kept, "mean": mean, "whitening": whitening})

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedPadim:
        """Return the fitted module that gave `state`."""
        return _FittedPadim(self, scales, dict(state))

    def _fit_whitening(self, covariance: Float[Tensor, "places kept kept"]) -> Float[Tensor, "places entries"]:
        """Return the packed inverses of the Cholesky factors."""
        identity = torch.eye(covariance.shape[-1], device=covariance.device)
        try:
            factor = torch.linalg.cholesky(covariance + self.regularisation * identity)
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise FitError(
                f"PaDiM cannot invert its covariances with a regularisation of {self.regularisation:g}; "
                "choose a larger 'regularisation' in the recipe."
            ) from error
        inverse = pack_triangles(torch.linalg.solve_triangular(factor, identity.expand_as(factor), upper=False))
        return inverse if self.form == "published" else inverse.half()

    def _fit_moments(
        self, features: FeatureSet, kept: Int[Tensor, " kept"]
    ) -> tuple[Float[Tensor, "places kept"], Float[Tensor, "places kept kept"]]:
        """Return mean and covariance at each place, summed about the first batch's mean for precision."""
        origin = total = products = None
        for pyramid in features.batches():
            vectors = to_fibres(self._join_channels(pyramid, kept)).transpose(0, 1)
            if origin is None or total is None or products is None:
                origin = vectors.mean(dim=1, keepdim=True)
                total = torch.zeros_like(origin)
                products = vectors.new_zeros(len(vectors), len(kept), len(kept))
            shifted = vectors - origin
            total += shifted.sum(dim=1, keepdim=True)
            products.baddbmm_(shifted.transpose(1, 2), shifted)
        assert origin is not None and total is not None and products is not None, "a set to fit on is not empty"
        drift = total / len(features)
        covariance = products.div_(len(features)).baddbmm_(drift.transpose(1, 2), drift, alpha=-1)
        if self.form == "published":
            covariance *= len(features) / (len(features) - 1)
        return (origin + drift).squeeze(1), covariance

    def _join_channels(
        self, pyramid: FeaturePyramid, kept: Int[Tensor, " kept"]
    ) -> Float[Tensor, "batch kept rows columns"]:
        """Join the kept channels of all scales on one grid; the other channels are not resampled."""
        sizes = [grid.shape[1] for grid in pyramid.scales]
        finest = find_finest(pyramid.scales)
        shape = (min(finest[0], self.largest_grid), min(finest[1], self.largest_grid))
        bounds = [sum(sizes[:position]) for position in range(len(sizes) + 1)]
        parts = [
            grid[:, kept[(kept >= low) & (kept < high)] - low]
            for grid, low, high in zip(pyramid.scales, bounds, bounds[1:], strict=False)
        ]
        return join_scales(parts, shape, repeat=self.form == "published")

    def _score(self, distances: Float[Tensor, "batch rows columns"]) -> Evidence:
        """Score images by their maps; in the published form by the maps at the image's size, blurred."""
        evidence = score_maps((distances,), self.pool)
        if self.form == "compact":
            return evidence
        return Evidence(score_maps((_enlarge_and_blur(distances),), self.pool).score, evidence.maps)


@final
class _FittedPadim(FittedModule):
    def __init__(self, settings: Padim, scales: tuple[Scale, ...], state: State) -> None:
        self._settings = settings
        self._selection = Selection.from_names(scales, settings.scales)
        self._state = state
        self._whitening = unpack_triangles(state["whitening"].float(), len(state["channels"]))

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return one map of Mahalanobis distances."""
        grid = self._settings._join_channels(self._selection.select(pyramid), self._state["channels"])
        centred = to_fibres(grid).transpose(0, 1) - self._state["mean"].unsqueeze(1)
        whitened = centred @ self._whitening.transpose(1, 2)
        distances = torch.sqrt(whitened.square().sum(dim=2)).T
        return self._settings._score(distances.reshape(-1, *grid.shape[-2:]))

    def state(self) -> State:
        """Return the kept channels, the means and the packed whitening triangles."""
        return dict(self._state)


def _enlarge_and_blur(distances: Float[Tensor, "batch rows columns"]) -> Float[Tensor, "batch more_rows more_columns"]:
    """Enlarge maps to the image's size, and blur them by a Gaussian that is cut at four standard deviations."""
    enlarged = functional.interpolate(distances.unsqueeze(1), scale_factor=STRIDE, mode="bilinear", align_corners=False)
    reach = int(4 * BLUR + 0.5)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=distances.device) / BLUR) ** 2)
    line = (line / line.sum()).reshape(1, 1, 1, -1)
    padded = functional.pad(enlarged, (reach,) * 4, mode="reflect")
    return functional.conv2d(functional.conv2d(padded, line), line.transpose(2, 3))[:, 0]


def pack_triangles(matrices: Shaped[Tensor, "places side side"]) -> Shaped[Tensor, "places entries"]:
    """Return the entries of lower triangular matrices without the zeros above the diagonal, row by row."""
    rows, columns = torch.tril_indices(matrices.shape[-1], matrices.shape[-1], device=matrices.device)
    return matrices[:, rows, columns]


def unpack_triangles(entries: Shaped[Tensor, "places entries"], side: int) -> Shaped[Tensor, "places side side"]:
    """Return the matrices that `pack_triangles` made the entries from."""
    rows, columns = torch.tril_indices(side, side, device=entries.device)
    matrices = entries.new_zeros(len(entries), side, side)
    matrices[:, rows, columns] = entries
    return matrices
