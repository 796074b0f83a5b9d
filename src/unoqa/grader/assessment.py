"""What is known of one image before the images of its cohort are compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float


@final
@dataclass(frozen=True)
class Assessment:
    """One image's score, and what its grade will be made from.

    Attributes:
        score: higher = worse.
        point: the numbers by which the image is clustered; empty if it is outstanding, since then it is not clustered.
        reasons: in words, the worst first; empty if it is outstanding.
    """

    image: str
    score: float
    point: Float[np.ndarray, " high"] = field(default_factory=lambda: np.empty(0))
    reasons: tuple[str, ...] = ()
