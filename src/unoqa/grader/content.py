"""What kind of picture an image is: statistics that poor quality moves little, and another kind of picture far.

Photographs, B-scans, screenshots and inverted scans have a direction or a skewness of details, or a distribution of
brightness, that no OCTA en-face scan has, good or poor. No statistic depends on brightness or contrast, and none on
sharpness alone. Faults are mostly local, and another kind of picture is one everywhere: so the quarters of an image are
looked at one by one, and its second best one decides. A scan of which hardly a quarter is left counts as no scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from scipy import fft
from scipy.ndimage import gaussian_filter

from unoqa.core.contracts import State
from unoqa.core.image import resize_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.image import EnfaceImage

SIDE = 160
"""Pixels to which images are resized: enough for capillaries, and few enough for a spectrum in no time."""

QUARTER = SIDE // 2
"""Pixels of a side of a quarter."""

DECIDES = 1
"""Which quarter decides, in the order of their distances."""

BANDS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Ends of the octaves of the spectrum, in cycles per pixel."""

SIGMAS = (1.0, 2.0, 4.0)
"""Standard deviations in pixels of the filters whose differences are the details of three sizes."""

SMALL = 1e-6
"""Added to what is divided by, or of which a logarithm is taken."""

LIMIT, FEW = 1.7, 4.0
"""Distance beyond which a picture is of another kind: 1.7 (1 + 4 / images), as few images tell their spread badly.

Distances are in units of what images of the kind itself have on average. Of scans of two devices that were not fitted
on, good and poor, at most 1 in 100 lies beyond (docs/accuracy.md).
"""

ODD = 1.6
"""Robust distance from which one of the images to fit on is of another kind than the rest.

Of outstanding scans of two devices the farthest have 1.37; inverted ones, a fifth of all, 1.74 and more.
"""


NAMES = (
    *(f"across_{octave}" for octave in range(1, len(BANDS))),
    *(f"oblique_{octave}" for octave in range(1, len(BANDS))),
    "tones_low",
    "tones_middle",
    "tones_high",
    "tones_dark",
    *(f"{what}_{size}" for size in range(1, len(SIGMAS) + 1) for what in ("skewness", "kurtosis")),
)
"""Names of the statistics: octaves are counted from the coarsest, sizes of details from the smallest."""


def describe_content(image: EnfaceImage) -> Float[np.ndarray, "4 statistics"]:
    """Return the statistics of each quarter of an image, of which neither brightness nor contrast changes any.

    How the log spectrum differs between directions, the shape of the distribution of brightness, and skewness and
    kurtosis of details of three sizes.
    """
    resized = resize_pixels(_stretch(image.pixels.astype(np.float64)), SIDE)
    quarters = resized.reshape(2, QUARTER, 2, QUARTER).swapaxes(1, 2).reshape(4, QUARTER, QUARTER)
    parts = (_describe_spectrum, _describe_brightness, _describe_details)
    return np.concatenate([describe(quarters) for describe in parts], axis=1)


def _stretch(pixels: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Return the pixels from 0 to 1; dividing first keeps the difference of huge numbers finite."""
    divided = pixels / max(float(np.abs(pixels).max()), np.finfo(float).tiny)
    return (divided - divided.min()) / max(float(np.ptp(divided)), np.finfo(float).tiny)


def find_odd(contents: Sequence[Float[np.ndarray, "4 statistics"]]) -> list[int]:
    """Return the positions of images that are of another kind than the rest, as long as these are most of all.

    Distances are from the median, in units of the median absolute deviation (Hampel 1974), which odd ones move little;
    the second best quarter decides.
    """
    values = np.stack(contents)
    middle = np.median(values, axis=(0, 1))
    spread = 1.4826 * np.median(np.abs(values - middle), axis=(0, 1)) + SMALL
    distances = np.sqrt((((values - middle) / spread) ** 2).mean(axis=2))
    return np.flatnonzero(np.sort(distances, axis=1)[:, DECIDES] > ODD).tolist()


@final
@dataclass(frozen=True)
class FittedContent:
    """The content of the images that a model was fitted on.

    Attributes:
        mean, std: of each statistic, over all quarters.
        precision: inverse of the covariance of the standardised statistics.
        limit: distance beyond which a picture is of another kind.
    """

    mean: Float[np.ndarray, " statistics"]
    std: Float[np.ndarray, " statistics"]
    precision: Float[np.ndarray, "statistics statistics"]
    limit: float

    @classmethod
    def fit(cls, contents: Sequence[Float[np.ndarray, "4 statistics"]]) -> FittedContent:
        """Fit on the content of at least two images; the covariance is shrunk (Ledoit & Wolf 2004)."""
        from sklearn.covariance import LedoitWolf  # noqa: PLC0415 - grading needs none of it

        values = np.concatenate(contents)
        mean, std = values.mean(axis=0), np.maximum(values.std(axis=0), SMALL)
        covariance = LedoitWolf(assume_centered=True).fit((values - mean) / std)
        return cls(mean, std, covariance.precision_, LIMIT * (1 + FEW / len(contents)))

    def measure_distance(self, content: Float[np.ndarray, "4 statistics"]) -> float:
        """Return the distance of an image: of its second best quarter.

        That of a quarter is Mahalanobis's, divided by the root of the number of statistics.
        """
        standardised = (content - self.mean) / self.std
        squares = np.einsum("qs,st,qt->q", standardised, self.precision, standardised) / standardised.shape[1]
        return float(np.sqrt(np.sort(squares)[DECIDES]))

    def is_other(self, content: Float[np.ndarray, "4 statistics"]) -> bool:
        """Tell whether an image is a picture of another kind, by its content."""
        return self.measure_distance(content) > self.limit

    def state(self) -> State:
        """Return the fitted arrays."""
        arrays = {"mean": self.mean, "std": self.std, "precision": self.precision, "limit": np.array([self.limit])}
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    @classmethod
    def restore(cls, state: State) -> FittedContent:
        """Return what gave the arrays."""
        arrays = {name: state[name].numpy() for name in ("mean", "std", "precision", "limit")}
        return cls(arrays["mean"], arrays["std"], arrays["precision"], float(arrays["limit"].item()))


def _describe_spectrum(quarters: Float32[np.ndarray, "4 quarter quarter"]) -> Float[np.ndarray, "4 8"]:
    """Return, for each octave, how the log power differs: across from down, and oblique from both."""
    centred = quarters - quarters.mean(axis=(1, 2), keepdims=True)
    centred = centred / (quarters.std(axis=(1, 2), keepdims=True) + SMALL)
    power = np.abs(fft.rfft2(centred * _make_window())) ** 2
    sectors, sizes = _divide_spectrum()
    sums = np.stack([np.bincount(sectors, one.ravel(), minlength=len(sizes)) for one in power])
    logs = np.log(sums[:, 1:] / sizes[1:] + SMALL).reshape(len(quarters), len(BANDS) - 1, 3)
    across, oblique, down = np.moveaxis(logs, 2, 0)
    return np.concatenate([across - down, oblique - (across + down) / 2], axis=1)


def _describe_brightness(quarters: Float32[np.ndarray, "4 quarter quarter"]) -> Float[np.ndarray, "4 4"]:
    levels = np.quantile(quarters, (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99), axis=(1, 2))
    lowest, low, quarter, middle, upper, high, highest = levels
    parts = np.stack([middle - low, upper - quarter, highest - high, low - lowest], axis=1)
    return parts / (high - low + SMALL)[:, None]


def _describe_details(quarters: Float32[np.ndarray, "4 quarter quarter"]) -> Float[np.ndarray, "4 6"]:
    smoothed = [quarters, *(gaussian_filter(quarters, sigma, truncate=3, axes=(1, 2)) for sigma in SIGMAS)]
    found = []
    for finer, coarser in pairwise(smoothed):
        details = (finer - coarser).astype(np.float64).reshape(len(quarters), -1)
        relative = details / (details.std(axis=1, keepdims=True) + SMALL)
        squares = np.square(relative)
        found += [
            np.clip((squares * relative).mean(axis=1), -5, 5),
            np.log(np.clip(np.square(squares).mean(axis=1), 1, 100)),
        ]
    return np.stack(found, axis=1)


@cache
def _make_window() -> Float32[np.ndarray, "quarter quarter"]:
    window = np.hanning(QUARTER)
    return (window[:, None] * window).astype(np.float32)


@cache
def _divide_spectrum() -> tuple[Int[np.ndarray, " frequencies"], Int[np.ndarray, " sectors"]]:
    """Return the sector of each frequency, counted from 1, and the size of each; sector 0 belongs to no octave."""
    down, across = np.abs(fft.fftfreq(QUARTER))[:, None], fft.rfftfreq(QUARTER)
    octave = np.digitize(np.hypot(down, across), BANDS) - 1
    direction = np.digitize(np.arctan2(down, across), (np.pi / 8, 3 * np.pi / 8))
    outside = (octave < 0) | (octave >= len(BANDS) - 1)
    sectors = np.where(outside, 0, 1 + 3 * octave + direction).ravel()
    return sectors, np.bincount(sectors)
