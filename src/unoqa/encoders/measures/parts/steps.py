"""Steps between neighbouring lines of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from unoqa.encoders.measures.parts.averaging import running_mean
from unoqa.encoders.measures.parts.views import log_root_mean_square

if TYPE_CHECKING:
    from unoqa.encoders.measures.parts.views import Views

LINE = 121
"""Pixels along a line that are averaged: over a third of the field nothing of the anatomy changes at once."""


def steps(views: Views, *, across: int) -> Float[np.ndarray, "20 20"]:
    """Return the local root mean square of the difference of neighbouring lines, as a logarithm.

    Args:
        across: 0 compares rows, 1 columns.
    """
    lines = running_mean(views.relative, views.length(LINE), axis=1 - across)
    last = np.take(lines, [-1], axis=across)
    return log_root_mean_square(views, np.diff(lines, axis=across, append=last))
