"""Generalised Gaussians fitted by their moments.

The shape is 1 for a Laplace distribution, 2 for a Gaussian, and grows towards a uniform one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import gamma

Moments = Float[np.ndarray, "*samples"]
"""One number a sample, such as a mean square."""

SHAPES = np.linspace(0.2, 10, 9801)
"""Shapes that are told apart: those of NIQE. Beyond them, and for a sample of zeros, the nearest stands."""

_RATIOS = np.square(gamma(2 / SHAPES)) / (gamma(1 / SHAPES) * gamma(3 / SHAPES))

_TINY = 1e-12
"""Keeps a sample of zeros from 0/0; far below the square of any coefficient of an 8-bit image."""


def shape_of(ratio: Moments) -> Moments:
    """Invert ρ(α) = Γ(2/α)² / Γ(1/α)Γ(3/α) = (E|x|)² / E x², which rises with α.

    Sharifi, Leon-Garcia 1995 (IEEE Trans. Circuits Syst. Video Technol. 5(1)), turned upside down.
    """
    return np.interp(ratio, _RATIOS, SHAPES)


def symmetric_fit(absolute: Moments, square: Moments) -> tuple[Moments, Moments]:
    """Return shape α and scale β of p(x) ∝ exp(-(|x|/β)^α), from E|x| and E x² of each sample."""
    shape = shape_of(absolute**2 / (square + _TINY))
    return shape, np.sqrt(square) * _scale_of_unit_deviation(shape)


def asymmetric_fit(
    absolute: Moments, square: Moments, left: Moments, right: Moments
) -> tuple[Moments, Moments, Moments, Moments]:
    """Return shape, mean and the scales of the negative and of the positive side.

    Lasmar, Stitou, Berthoumieu 2009 (ICIP, "Multiscale skewed heavy tailed model for texture analysis"): with
    γ the ratio of the sides' deviations, ρ(α) = (E|x|)² / E x² · (γ³+1)(γ+1) / (γ²+1)².

    Args:
        left: root mean square of the negative numbers of each sample; right: of the others.
    """
    balance = (left + _TINY) / (right + _TINY)
    skew = _skew(np.minimum(balance, 1 / balance))
    shape = shape_of(absolute**2 / (square + _TINY) * skew)
    unit = _scale_of_unit_deviation(shape)
    mean = (right - left) * unit * gamma(2 / shape) / gamma(1 / shape)
    return shape, mean, left * unit, right * unit


def _skew(balance: Moments) -> Moments:
    """The same for γ and 1/γ, so the one that cannot overflow is taken."""
    return (balance**3 + 1) * (balance + 1) / np.square(balance**2 + 1)


def _scale_of_unit_deviation(shape: Moments) -> Moments:
    return np.sqrt(gamma(1 / shape) / gamma(3 / shape))
