"""Fits generalised Gaussian distributions by their moments.

The shape is 1 for a Laplace distribution, 2 for a Gaussian, and grows without limit towards a uniform one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import gamma

Moments = Float[np.ndarray, "*samples"]
"""One number per sample, such as a mean square."""

SHAPES = np.linspace(0.2, 10, 9801)
"""Shapes that a fit can return, as in NIQE. Outside this range, and for a sample of zeros, it returns the nearest."""

_RATIOS = np.square(gamma(2 / SHAPES)) / (gamma(1 / SHAPES) * gamma(3 / SHAPES))

_EPSILON = 1e-12
"""Prevents 0/0 for a sample of zeros; far below the square of any coefficient of an 8-bit image."""


def solve_shape(ratio: Moments) -> Moments:
    """Return the shape α with the given ratio ρ(α) = Γ(2/α)² / Γ(1/α)Γ(3/α) = (E|x|)² / E x², which increases with α.

    ρ is the reciprocal of the ratio of Sharifi, Leon-Garcia 1995 (IEEE Trans. Circuits Syst. Video Technol. 5(1)).
    """
    return np.interp(ratio, _RATIOS, SHAPES)


def fit_symmetric(absolute: Moments, square: Moments) -> tuple[Moments, Moments]:
    """Return shape α and scale β of p(x) ∝ exp(-(|x|/β)^α), from E|x| and E x² of each sample."""
    shape = solve_shape(absolute**2 / (square + _EPSILON))
    return shape, np.sqrt(square) * _compute_unit_scale(shape)


def fit_asymmetric(
    absolute: Moments, square: Moments, left: Moments, right: Moments
) -> tuple[Moments, Moments, Moments, Moments]:
    """Return shape, mean, and the scales of the negative and of the positive side.

    Lasmar, Stitou, Berthoumieu 2009 (ICIP, "Multiscale skewed heavy tailed model for texture analysis"): with γ the
    ratio of the sides' root mean squares, ρ(α) = (E|x|)² / E x² · (γ³+1)(γ+1) / (γ²+1)².

    Args:
        absolute: E|x| of each sample.
        square: E x² of each sample.
        left: root mean square of the negative numbers of each sample.
        right: root mean square of the other numbers.
    """
    ratio = (left + _EPSILON) / (right + _EPSILON)
    skew = _compute_skew_factor(np.minimum(ratio, 1 / ratio))
    shape = solve_shape(absolute**2 / (square + _EPSILON) * skew)
    unit = _compute_unit_scale(shape)
    mean = (right - left) * unit * gamma(2 / shape) / gamma(1 / shape)
    return shape, mean, left * unit, right * unit


def _compute_skew_factor(ratio: Moments) -> Moments:
    """Return (γ³+1)(γ+1) / (γ²+1)². It is the same for γ and 1/γ; pass the smaller, which cannot overflow."""
    return (ratio**3 + 1) * (ratio + 1) / np.square(ratio**2 + 1)


def _compute_unit_scale(shape: Moments) -> Moments:
    """Return the scale β at which the distribution has variance 1."""
    return np.sqrt(gamma(1 / shape) / gamma(3 / shape))
