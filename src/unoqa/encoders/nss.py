"""Natural scene statistics (NSS): the features of NIQE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from scipy.ndimage import gaussian_filter

from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings
from unoqa.encoders.parts.generalised_gaussian import fit_asymmetric, fit_symmetric
from unoqa.encoders.parts.grey import GreyImage

if TYPE_CHECKING:
    from pathlib import Path

PatchGrid = Float[np.ndarray, "down across"]

WINDOW_SIGMA = 7 / 6
"""Standard deviation in pixels of the Gaussian window, which is truncated to 7×7."""

STD_OFFSET = 1 / 255
"""Prevents 0/0 where the image is flat; NIQE adds 1 on a scale of 0–255."""

NEIGHBOURS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1), "antidiagonal": (1, -1)}
"""Offset, down and across, of the neighbour that each coefficient is multiplied by."""

_FEATURES_OF_ONE_SIZE = (
    "shape",
    "scale",
    *(f"{name}_{number}" for name in NEIGHBOURS for number in ("shape", "mean", "left", "right")),
)

CHANNELS = tuple(f"{size}_{name}" for size in ("full", "half") for name in _FEATURES_OF_ONE_SIZE)
"""18 features of the image at full size, and 18 at half size."""


@final
@settings
class Nss(Encoder):
    """The 36 features of NIQE (Mittal, Soundararajan, Bovik 2013, doi 10.1109/LSP.2012.2227726) of each patch.

    Scale `patches` holds the features; scale `sharpness` holds the mean local standard deviation, by which NIQE
    selects the patches to fit to. Patches are square and do not overlap. NIQE's patches have 96 pixels a side, which
    gives nine in a 320-pixel image. Patches of 40 pixels give 64: more than 36, so that the module `niqe` can compute
    the covariance of the features of one image, and each has 400 pixels at half size. Needs no weights; takes less
    than 20 ms per image on one core.

    Example:
        >>> Nss().patch
        40
    """

    patch: Annotated[
        int, Field(ge=8, le=512, multiple_of=2, description="side of a patch in pixels; an even number")
    ] = 40

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenNss:
        """Return the encoder, ready to run; there are no weights."""
        del weights
        return _OpenNss(self.patch, device)


@final
class _OpenNss(OpenEncoder):
    checksum = ""
    scales = (Scale("patches", CHANNELS), Scale("sharpness", ("deviation",), (-1,)))

    def __init__(self, patch: int, device: torch.device) -> None:
        self._patch = patch
        self._device = device

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Describe images one by one; an image smaller than a patch is one patch."""
        described = [describe_patches(image, self._patch) for image in images]
        scales = (np.stack(scale).astype(np.float32) for scale in zip(*described, strict=True))
        return FeaturePyramid(tuple(torch.from_numpy(scale).to(self._device) for scale in scales))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}


def describe_patches(
    image: GreyImage, patch: int
) -> tuple[Float[np.ndarray, "36 down across"], Float[np.ndarray, "1 down across"]]:
    """Return features and sharpness of the complete patches around the image's centre."""
    side = min(patch, min(image.shape) // 2 * 2)
    full = _crop_to_patches(image.astype(np.float64), side)
    coefficients, std = normalise_contrast(full)
    halved, _ = normalise_contrast(_average_patches(full, 2))
    features = [*_compute_features(coefficients, side), *_compute_features(halved, side // 2)]
    return np.stack(features), _average_patches(std, side)[None]


def normalise_contrast(image: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Return mean-subtracted, contrast-normalised (MSCN) coefficients and the local std (equations 1–3)."""
    mean, square = (gaussian_filter(field, WINDOW_SIGMA, radius=3, mode="nearest") for field in (image, image * image))
    std = np.sqrt(np.maximum(square - mean * mean, 0))
    return (image - mean) / (std + STD_OFFSET), std


def _compute_features(coefficients: GreyImage, side: int) -> list[PatchGrid]:
    absolute, square = (_average_patches(field, side) for field in (np.abs(coefficients), np.square(coefficients)))
    found = [*fit_symmetric(absolute, square)]
    around = np.pad(coefficients, 1, mode="reflect")
    rows, columns = coefficients.shape
    for down, across in NEIGHBOURS.values():
        neighbours = around[1 + down : 1 + down + rows, 1 + across : 1 + across + columns]
        found += _describe_products(coefficients * neighbours, side)
    return found


def _describe_products(products: GreyImage, side: int) -> list[PatchGrid]:
    squares = products * products
    negative = (products < 0).astype(products.dtype)
    share = _average_patches(negative, side)
    square, lower = _average_patches(squares, side), _average_patches(squares * negative, side)
    left = np.sqrt(lower / np.maximum(share, 1 / side**2))
    right = np.sqrt(np.maximum(square - lower, 0) / np.maximum(1 - share, 1 / side**2))
    return [*fit_asymmetric(_average_patches(np.abs(products), side), square, left, right)]


def _crop_to_patches(image: GreyImage, side: int) -> Float[np.ndarray, "whole_rows whole_columns"]:
    """Crop both sides equally, so that only complete patches remain."""
    rows, columns = (length // side * side for length in image.shape)
    top, start = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return image[top : top + rows, start : start + columns]


def _average_patches(field: GreyImage, side: int) -> PatchGrid:
    rows, columns = field.shape
    return field.reshape(rows // side, side, columns // side, side).mean(axis=(1, 3))
