"""What is known of one image before its cohort is split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float


@final
@dataclass(frozen=True)
class Assessment:
    """One image's score and what its grade will be made from.

    Attributes:
        score: higher = worse.
        point: the numbers by which it is clustered; none of an outstanding image, which is never clustered.
        reasons: in words, the worst first; none of an outstanding image.
    """

    image: str
    score: float
    point: Float[np.ndarray, " high"] = field(default_factory=lambda: np.empty(0))
    reasons: tuple[str, ...] = ()
