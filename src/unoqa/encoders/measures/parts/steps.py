"""Differences between neighbouring lines of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from unoqa.encoders.measures.parts.views import log_local_rms

if TYPE_CHECKING:
    from unoqa.encoders.measures.parts.views import Views

LINE_LENGTH = 121
"""Pixels of a line that are averaged: more than a third of the field, in which no anatomy changes abruptly."""


def measure_steps(views: Views, *, axis: int) -> Float[np.ndarray, "20 20"]:
    """Return the log of the local RMS of differences between neighbouring lines.

    Args:
        views: of the image.
        axis: of the differences: 0 compares rows, 1 compares columns.
    """
    lines = uniform_filter1d(views.relative, views.scale_length(LINE_LENGTH), axis=1 - axis)
    last = np.take(lines, [-1], axis=axis)
    return log_local_rms(views, np.diff(lines, axis=axis, append=last))
