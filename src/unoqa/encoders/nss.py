"""Statistics of natural scenes: what NIQE sees of an image."""

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
from unoqa.encoders.parts.generalised_gaussian import asymmetric_fit, symmetric_fit

if TYPE_CHECKING:
    from pathlib import Path

Picture = Float[np.ndarray, "rows columns"]
Grid = Float[np.ndarray, "down across"]

WINDOW = 7 / 6
"""Standard deviation in pixels of the Gaussian window, which is cut to 7×7."""

SATURATION = 1 / 255
"""What keeps a flat place from 0/0: NIQE's 1 on a scale of 0–255."""

NEIGHBOURS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1), "antidiagonal": (1, -1)}
"""Steps down and across to the neighbour that each coefficient is multiplied with."""

_OF_ONE_SIZE = (
    "shape",
    "scale",
    *(f"{name}_{number}" for name in NEIGHBOURS for number in ("shape", "mean", "left", "right")),
)

CHANNELS = tuple(f"{size}_{name}" for size in ("full", "half") for name in _OF_ONE_SIZE)
"""18 numbers of the image at full and 18 at half size."""


@final
@settings
class Nss(Encoder):
    """The 36 features of NIQE (Mittal, Soundararajan, Bovik 2013, doi 10.1109/LSP.2012.2227726) of each patch.

    Scale `patches` holds the features, scale `sharpness` the mean local standard deviation, by which NIQE
    chooses the patches to learn from. Patches are square and do not overlap. NIQE takes 96 pixels, which are
    nine patches of a 320-pixel image; 40 give 64, more than the 36 numbers whose covariance the module `niqe`
    takes of each image, and 400 pixels each at half size. Needs no weights; under 20 ms an image on one core.

    Example:
        >>> Nss().patch
        40
    """

    patch: Annotated[int, Field(ge=8, le=512, multiple_of=2, description="side of a patch in pixels, even")] = 40

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenNss:
        """Make ready; there are no weights."""
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
        """Describe images one by one; one smaller than a patch is a single patch."""
        described = [describe(image, self._patch) for image in images]
        scales = (np.stack(scale).astype(np.float32) for scale in zip(*described, strict=True))
        return FeaturePyramid(tuple(torch.from_numpy(scale).to(self._device) for scale in scales))

    def state(self) -> State:
        """Return nothing: there are no weights."""
        return {}


def describe(
    image: Picture, patch: int
) -> tuple[Float[np.ndarray, "36 down across"], Float[np.ndarray, "1 down across"]]:
    """Return features and sharpness of the whole patches around the image's centre."""
    side = min(patch, min(image.shape) // 2 * 2)
    full = _whole_patches(image.astype(np.float64), side)
    coefficients, deviation = normalised(full)
    halved, _ = normalised(_patch_means(full, 2))
    features = [*_features(coefficients, side), *_features(halved, side // 2)]
    return np.stack(features), _patch_means(deviation, side)[None]


def normalised(image: Picture) -> tuple[Picture, Picture]:
    """Return the mean-subtracted, contrast-normalised coefficients and the local standard deviation (equations 1–3)."""
    mean, square = (gaussian_filter(field, WINDOW, radius=3, mode="nearest") for field in (image, image * image))
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return (image - mean) / (deviation + SATURATION), deviation


def _features(coefficients: Picture, side: int) -> list[Grid]:
    absolute, square = (_patch_means(field, side) for field in (np.abs(coefficients), np.square(coefficients)))
    found = [*symmetric_fit(absolute, square)]
    around = np.pad(coefficients, 1, mode="reflect")
    rows, columns = coefficients.shape
    for down, across in NEIGHBOURS.values():
        neighbours = around[1 + down : 1 + down + rows, 1 + across : 1 + across + columns]
        found += _product_features(coefficients * neighbours, side)
    return found


def _product_features(products: Picture, side: int) -> list[Grid]:
    squares = products * products
    negative = (products < 0).astype(products.dtype)
    share = _patch_means(negative, side)
    square, lower = _patch_means(squares, side), _patch_means(squares * negative, side)
    left = np.sqrt(lower / np.maximum(share, 1 / side**2))
    right = np.sqrt(np.maximum(square - lower, 0) / np.maximum(1 - share, 1 / side**2))
    return [*asymmetric_fit(_patch_means(np.abs(products), side), square, left, right)]


def _whole_patches(image: Picture, side: int) -> Float[np.ndarray, "whole_rows whole_columns"]:
    """Cut off what is no whole patch, alike on both sides."""
    rows, columns = (length // side * side for length in image.shape)
    top, start = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return image[top : top + rows, start : start + columns]


def _patch_means(field: Picture, side: int) -> Grid:
    rows, columns = field.shape
    return field.reshape(rows // side, side, columns // side, side).mean(axis=(1, 3))
