"""Measures of vessel structure, the traditional way to assess the quality of a retinal image."""

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
from unoqa.encoders.measures.parts.views import REFERENCE_SIZE, Views, log_local_rms, subtract_median
from unoqa.encoders.parts.grey import GreyImage

if TYPE_CHECKING:
    from pathlib import Path

Ridge = Literal["sato", "frangi", "meijering"]
"""Ridge filters of scikit-image: Sato et al. 1998, Frangi et al. 1998, Meijering et al. 2004."""

_FILTERS: dict[Ridge, Callable[..., np.ndarray]] = {"sato": sato, "frangi": frangi, "meijering": meijering}

BANK_SIGMAS = (1, 2, 4)
"""Standard deviations of the filter bank: the finest three of Niemeijer's five, as coarser ones respond to anatomy."""

TILE_CHANNELS = ("vesselness", "density", "coherence")
IMAGE_CHANNELS = ("vesselness", "density", "clarity", "slenderness")
STRUCTURE_CHANNELS = tuple(f"{name}_{sigma}" for sigma in BANK_SIGMAS for name in ("gradient", "curvature"))

GRADIENT_SIGMA = 1.5
"""Standard deviation of the window in which gradients are compared; 1 to 2 give similar results on two devices."""

SOBEL_GAIN = 8
"""Response of scikit-image's Sobel filter, with weights 1, 2, 1, to a slope of 1 per pixel."""

VESSEL_SHARE = 0.5
"""A pixel is vessel if its vesselness exceeds this share of the image's 90th percentile of vesselness."""

TileGrid = Float[np.ndarray, "20 20"]


@final
@settings
class Vessel(Encoder):
    """Vesselness and measures derived from it, on a 20×20 grid and for the whole image.

    Scale `tiles`: mean vesselness and the share of vessel pixels, both minus the image's median, because devices
    differ; and the coherence of gradients at vessels, a ratio that needs no such correction. Scale `structures`: a
    filter bank on the standardised image, after Niemeijer et al. 2006 (Medical Image Analysis 10(6)), without their
    clustering of responses, which a low-quality module replaces. Scale `image`: numbers for the whole image, with the
    clarity of vessels after Köhler et al. 2013 (CBMS, doi 10.1109/CBMS.2013.6627771). Needs no weights; takes less
    than 70 ms per image on one core.

    Example:
        >>> Vessel().ridge
        'sato'
    """

    ridge: Annotated[Ridge, Field(description="ridge filter that finds vessels")] = "sato"
    # At or below 1 pixel, scikit-image truncates its kernels at 100 standard deviations, and the filter takes twice as
    # long.
    widths: Annotated[
        tuple[Annotated[float, Field(gt=0, le=20)], ...],
        Field(min_length=1, description="standard deviations of the filter, in pixels of a 320-pixel image"),
    ] = (1.1, 2.0)

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenVessel:
        """Return the encoder, ready to run; there are no weights."""
        del weights
        return _OpenVessel(self, device)

    def _filter_ridges(self, image: GreyImage) -> GreyImage:
        sigmas = [_scale_length(width, image) for width in self.widths]
        return _FILTERS[self.ridge](image, sigmas=sigmas, black_ridges=False).astype(np.float32)


@final
class _OpenVessel(OpenEncoder):
    checksum = ""
    scales = (
        Scale("tiles", TILE_CHANNELS, (-1,) * len(TILE_CHANNELS)),
        Scale("structures", STRUCTURE_CHANNELS),
        Scale("image", IMAGE_CHANNELS, (-1,) * len(IMAGE_CHANNELS)),
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
        self, image: GreyImage
    ) -> tuple[Float[np.ndarray, "local 20 20"], Float[np.ndarray, "structures 20 20"], Float[np.ndarray, "whole 1 1"]]:
        views = Views(image)
        vessels = Vessels.from_ridges(views.image, self._settings._filter_ridges(views.image))
        return np.stack(vessels.measure_tiles(views)), np.stack(apply_filter_bank(views)), vessels.measure_image()


@final
@dataclass(frozen=True)
class Vessels:
    """The vessels of an image.

    Attributes:
        vesselness: the ridge filter's response; 0 where there is no bright ridge.
        mask: the pixels with high vesselness.
        strength: the larger singular value of the gradients around each pixel.
        coherence: of these gradients; 0 if they have no common direction, 1 if all are parallel.
    """

    vesselness: GreyImage
    mask: Bool[np.ndarray, "rows columns"]
    strength: GreyImage
    coherence: GreyImage

    @classmethod
    def from_ridges(cls, image: GreyImage, vesselness: GreyImage) -> Vessels:
        """Find vessels by the response of a ridge filter."""
        level = VESSEL_SHARE * float(np.quantile(vesselness, 0.9))
        return cls(vesselness, vesselness > level, *measure_gradients(image))

    def measure_tiles(self, views: Views) -> list[TileGrid]:
        """Return the channels of scale `tiles`."""
        vesselness = views.local_mean(self.vesselness)
        coherence = views.local_mean(self.vesselness * self.coherence) / (vesselness + 0.0001)
        density = views.local_mean(self.mask.astype(np.float32))
        return [subtract_median(np.log(vesselness + 0.001)), subtract_median(density), coherence]

    def measure_image(self) -> Float[np.ndarray, "whole 1 1"]:
        """Return the channels of scale `image`; clarity is Köhler's, with strength × coherence of Zhu and Milanfar."""
        vesselness, density = self.vesselness.mean(), self.mask.mean()
        clarity = (self.vesselness * self.strength * self.coherence).mean() / (vesselness + 0.0001)
        skeleton = skeletonize(self.mask)  # type: ignore[no-untyped-call]
        slenderness = skeleton.mean() / max(density, 1e-6)
        numbers = (np.log(vesselness + 0.001), density, np.log(clarity + 0.0001), slenderness)
        return np.array(numbers).reshape(-1, 1, 1)


def measure_gradients(image: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Return strength s1 and coherence (s1-s2) / (s1+s2); s1 ≥ s2 are the singular values of gradients around a pixel.

    Zhu, Milanfar 2010 (IEEE Trans. Image Processing 19(12)), used by Köhler et al. 2013. Blur lowers the strength,
    noise the coherence.
    """
    sigma = _scale_length(GRADIENT_SIGMA, image)
    tensor = structure_tensor(image, sigma=sigma, order="rc")  # type: ignore[no-untyped-call]
    squares = structure_tensor_eigenvalues(tensor)  # type: ignore[no-untyped-call]
    first, second = np.sqrt(np.maximum(squares, 0)) / SOBEL_GAIN
    return first, (first - second) / (first + second + 0.0001)


def apply_filter_bank(views: Views) -> list[TileGrid]:
    """Return the channels of scale `structures`: the log of the local RMS of scale-normalised derivatives."""
    image = (views.image - views.image.mean()) / max(float(views.image.std()), 0.001)
    found = []
    for sigma in (_scale_length(float(pixels), image) for pixels in BANK_SIGMAS):
        found.append(log_local_rms(views, sigma * gaussian_gradient_magnitude(image, sigma)))
        found.append(log_local_rms(views, sigma**2 * gaussian_laplace(image, sigma)))
    return found


def _scale_length(pixels: float, image: GreyImage) -> float:
    return pixels * len(image) / REFERENCE_SIZE
