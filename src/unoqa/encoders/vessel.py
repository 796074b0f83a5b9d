"""Measures of vessel structure: the traditional way to look at a retinal image's quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from pydantic import Field
from scipy.ndimage import gaussian_gradient_magnitude, gaussian_laplace
from skimage.feature import structure_tensor, structure_tensor_eigenvalues
from skimage.filters import frangi, meijering, sato
from skimage.morphology import skeletonize

from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings
from unoqa.encoders.measures.parts.views import REFERENCE_SIZE, Views, beside_own_median, log_root_mean_square

if TYPE_CHECKING:
    from pathlib import Path

Ridge = Literal["sato", "frangi", "meijering"]
"""Ridge filters of scikit-image, after Sato et al. 1998, Frangi et al. 1998 and Meijering et al. 2004."""

_FILTERS: dict[Ridge, Callable[..., np.ndarray]] = {"sato": sato, "frangi": frangi, "meijering": meijering}

BANK = (1, 2, 4)
"""Standard deviations of the filter bank: the finest three of Niemeijer's five; coarser ones see anatomy."""

LOCAL = ("vesselness", "density", "coherence")
WHOLE = ("vesselness", "density", "clarity", "slenderness")
STRUCTURES = tuple(f"{name}_{sigma}" for sigma in BANK for name in ("gradient", "curvature"))

NEIGHBOURHOOD = 1.5
"""Standard deviation of the window whose gradients are compared; 1 to 2 are alike on two devices."""

SOBEL = 8
"""What scikit-image's Sobel filter, of weights 1, 2, 1, makes of a slope of 1 a pixel."""

HIGH = 0.5
"""A vessel is where vesselness is above this share of the image's own 90th percentile."""

Picture = Float[np.ndarray, "rows columns"]
Grid = Float[np.ndarray, "20 20"]


@final
@settings
class Vessel(Encoder):
    """Vesselness and what it shows, on a 20×20 grid and of the whole image.

    Scale `tiles`: mean vesselness and the share of vessels, beside the image's own median, since devices differ; and
    the coherence of gradients where vessels are, which is a ratio and stands as it is. Scale `structures`: a filter
    bank on the standardised image, after Niemeijer et al. 2006 (Medical Image Analysis 10(6)); their clusters of
    responses are left out, a low-quality module takes their place. Scale `image`: numbers of the whole image, with
    the clarity of vessels after Köhler et al. 2013 (CBMS, doi 10.1109/CBMS.2013.6627771). Needs no
    weights; under 70 ms an image on one core.

    Example:
        >>> Vessel().ridge
        'sato'
    """

    ridge: Annotated[Ridge, Field(description="ridge filter that finds vessels")] = "sato"
    # At or below 1 pixel, scikit-image cuts its kernels at a hundred deviations: the filter takes twice as long.
    widths: Annotated[
        tuple[Annotated[float, Field(gt=0, le=20)], ...],
        Field(min_length=1, description="standard deviations of the filter, in pixels of a 320-pixel image"),
    ] = (1.1, 2.0)

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenVessel:
        """Make ready; there are no weights."""
        del weights
        return _OpenVessel(self, device)

    def _vesselness(self, image: Picture) -> Picture:
        sigmas = [_scaled(width, image) for width in self.widths]
        return _FILTERS[self.ridge](image, sigmas=sigmas, black_ridges=False).astype(np.float32)


@final
class _OpenVessel(OpenEncoder):
    checksum = ""
    scales = (
        Scale("tiles", LOCAL, (-1,) * len(LOCAL)),
        Scale("structures", STRUCTURES),
        Scale("image", WHOLE, (-1,) * len(WHOLE)),
    )

    def __init__(self, settings: Vessel, device: torch.device) -> None:
        self._settings = settings
        self._device = device

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Measure images one by one."""
        measured = [self._measure(image) for image in images]
        scales = (np.stack(scale).astype(np.float32) for scale in zip(*measured, strict=True))
        return FeaturePyramid(tuple(torch.from_numpy(scale).to(self._device) for scale in scales))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}

    def _measure(
        self, image: Picture
    ) -> tuple[Float[np.ndarray, "local 20 20"], Float[np.ndarray, "structures 20 20"], Float[np.ndarray, "whole 1 1"]]:
        views = Views(image)
        vessels = Vessels.of(views.image, self._settings._vesselness(views.image))
        return np.stack(vessels.local(views)), np.stack(structures(views)), vessels.whole()


@final
@dataclass(frozen=True)
class Vessels:
    """What is known of the vessels of an image.

    Attributes:
        vesselness: the ridge filter's response, 0 where there is no bright ridge.
        mask: where it is high.
        strength: of the gradients around each pixel: their larger singular value.
        coherence: from 0 where they have no common direction to 1 where all are parallel.
    """

    vesselness: Picture
    mask: Bool[np.ndarray, "rows columns"]
    strength: Picture
    coherence: Picture

    @classmethod
    def of(cls, image: Picture, vesselness: Picture) -> Vessels:
        """Take a ridge filter's response."""
        level = HIGH * float(np.quantile(vesselness, 0.9))
        return cls(vesselness, vesselness > level, *gradients(image))

    def local(self, views: Views) -> list[Grid]:
        """Return the channels of scale `tiles`."""
        vesselness = views.local_mean(self.vesselness)
        coherence = views.local_mean(self.vesselness * self.coherence) / (vesselness + 0.0001)
        density = views.local_mean(self.mask.astype(np.float32))
        return [beside_own_median(np.log(vesselness + 0.001)), beside_own_median(density), coherence]

    def whole(self) -> Float[np.ndarray, "whole 1 1"]:
        """Return the channels of scale `image`; clarity is Köhler's, with Zhu and Milanfar's strength × coherence."""
        vesselness, density = self.vesselness.mean(), self.mask.mean()
        clarity = (self.vesselness * self.strength * self.coherence).mean() / (vesselness + 0.0001)
        skeleton = skeletonize(self.mask)  # type: ignore[no-untyped-call]
        slenderness = skeleton.mean() / max(density, 1e-6)
        numbers = (np.log(vesselness + 0.001), density, np.log(clarity + 0.0001), slenderness)
        return np.array(numbers).reshape(-1, 1, 1)


def gradients(image: Picture) -> tuple[Picture, Picture]:
    """Return s1 and (s1-s2) / (s1+s2), with s1 ≥ s2 the singular values of the gradients around each pixel.

    Zhu, Milanfar 2010 (IEEE Trans. Image Processing 19(12)), on which Köhler et al. 2013 build: blur lowers the
    first, noise the second.
    """
    sigma = _scaled(NEIGHBOURHOOD, image)
    tensor = structure_tensor(image, sigma=sigma, order="rc")  # type: ignore[no-untyped-call]
    squares = structure_tensor_eigenvalues(tensor)  # type: ignore[no-untyped-call]
    first, second = np.sqrt(np.maximum(squares, 0)) / SOBEL
    return first, (first - second) / (first + second + 0.0001)


def structures(views: Views) -> list[Grid]:
    """Return the channels of scale `structures`: scale-normalised derivatives, as logarithms of their local size."""
    image = (views.image - views.image.mean()) / max(float(views.image.std()), 0.001)
    found = []
    for sigma in (_scaled(float(pixels), image) for pixels in BANK):
        found.append(log_root_mean_square(views, sigma * gaussian_gradient_magnitude(image, sigma)))
        found.append(log_root_mean_square(views, sigma**2 * gaussian_laplace(image, sigma)))
    return found


def _scaled(pixels: float, image: Picture) -> float:
    return pixels * len(image) / REFERENCE_SIZE
