"""How much better a line continues its neighbour sideways than straight."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from unoqa.encoders.measures.parts.views import GRID
from unoqa.encoders.parts.grey import GreyImage

FINE_SIGMA, COARSE_SIGMA = 0.7, 8.0
"""Standard deviations in pixels of the band of details that are compared: without speckle, without illumination."""

TRUNCATE = 4.0
"""Standard deviations at which the filters end."""

STRAIGHT = 2
"""Pixels by which vessels that cross a line obliquely, and a drifting eye, move it at most."""

SIDEWAYS = (1 / 64, 1 / 16, 1 / 7)
"""Displacements as shares of a line: the smallest that is looked for, the one from which it counts fully, the largest.

Readers accept small ones: a sixth of the outstanding scans of one device has a seam of 5 to 15 pixels in 320.
"""

CHANCE = 0.12
"""By how much a displacement must correlate better than straight, and than displacements usually do, to count."""

CLIP = 3.0
"""Standard deviations of a line at which its values are clipped, so that one bright vessel does not decide."""


def measure_displacement(whole: GreyImage, *, axis: int) -> Float[np.ndarray, "20 20"]:
    """Return, at each place, the largest excess of sideways over straight continuation among the lines there.

    Continuation is the correlation of neighbouring lines: straight, the best at displacements of at most 2 pixels;
    sideways, the best at a 64th to a seventh of the line. In whole tissue neighbouring lines correlate best without
    displacement.

    Args:
        whole: the image at the size of its file.
        axis: 0 compares rows, 1 compares columns.
    """
    lines = whole if axis == 0 else whole.T
    excess = _compare_neighbours(lines)
    places = np.minimum((np.arange(len(excess)) + 1) * GRID // len(lines), GRID - 1)
    worst = np.zeros(GRID, dtype=np.float32)
    np.maximum.at(worst, places, excess)
    grid = np.repeat(worst[:, None], GRID, axis=1)
    return grid if axis == 0 else grid.T


def _compare_neighbours(lines: GreyImage) -> Float[np.ndarray, " pairs"]:
    """Return, for each pair of neighbouring lines, its best sideways minus its best straight correlation.

    Displaced lines correlate sideways as others do straight: no more than the median of that counts. Of some 80
    displacements one always correlates by chance. How well, the other pairs tell: what is hardly above the median of
    their best is 0. So in noise, where straight lines correlate no better than chance, nothing counts. Displacements
    below a 16th of the line count in part.
    """
    width = lines.shape[1]
    shortest, full, longest = (round(share * width) for share in SIDEWAYS)
    shortest = max(shortest, STRAIGHT + 1)
    shifts = np.arange(-longest, longest + 1)
    correlations = correlate_neighbours(standardise_details(lines), shifts)
    straight = correlations[:, np.abs(shifts) <= STRAIGHT].max(axis=1)
    aside = np.abs(shifts) >= shortest
    found, sideways = np.abs(shifts[aside])[correlations[:, aside].argmax(axis=1)], correlations[:, aside].max(axis=1)
    certain = np.minimum(sideways, np.median(straight))
    stands_out = certain - np.median(sideways) > CHANCE
    weight = np.clip((found - shortest + 1) / (full - shortest + 1), 0, 1)
    return np.where(stands_out, weight * (certain - straight - CHANCE), 0).astype(np.float32)


def correlate_neighbours(
    details: Float[np.ndarray, "lines width"], shifts: Int[np.ndarray, " shifts"]
) -> Float[np.ndarray, "pairs shifts"]:
    """Return the correlation of each line with the next one, moved by each shift: the mean product where both lie.

    Args:
        details: lines of mean 0 and standard deviation 1.
    """
    width, longest = details.shape[1], int(np.abs(shifts).max())
    length = fft.next_fast_len(width + longest, real=True)
    spectra = fft.rfft(details, length, axis=1)
    products = fft.irfft(np.conj(spectra[:-1]) * spectra[1:], length, axis=1)
    return np.asarray(products[:, shifts] / (width - np.abs(shifts)))


def standardise_details(lines: GreyImage) -> GreyImage:
    """Return each line's details, divided by their standard deviation and clipped."""
    details = _filter_band(lines)
    centred = details - details.mean(axis=1, keepdims=True)
    std = np.maximum(centred.std(axis=1, keepdims=True), np.float32(1e-3))
    return np.clip(centred / std, -CLIP, CLIP)


def _filter_band(lines: GreyImage) -> GreyImage:
    """Return each line's band of details; beyond its ends a line is mirrored.

    The spectrum is multiplied, because a sum over the 65 taps of the coarse filter takes longer.
    """
    width, reach = lines.shape[1], math.ceil(TRUNCATE * COARSE_SIGMA)
    mirrored = np.pad(lines, ((0, 0), (reach, reach)), mode="symmetric")
    length = fft.next_fast_len(mirrored.shape[1], real=True)
    spectra = fft.rfft(mirrored, length, axis=1) * _make_band(length)
    return np.asarray(fft.irfft(spectra, length, axis=1)[:, reach : reach + width])


@lru_cache(maxsize=8)
def _make_band(length: int) -> Float32[np.ndarray, " frequencies"]:
    """Return the spectrum of the difference of the two filters, which is real because they are symmetric."""
    impulse = np.zeros(length)
    impulse[0] = 1
    fine, coarse = (
        gaussian_filter1d(impulse, sigma, truncate=TRUNCATE, mode="wrap") for sigma in (FINE_SIGMA, COARSE_SIGMA)
    )
    return fft.rfft(fine - coarse).real.astype(np.float32)
