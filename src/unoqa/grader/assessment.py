"""What is known of one image before its cohort is split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float


@final
@dataclass(frozen=True)
class Assessment:
    """One image's score and what its grade will be made from.

    Attributes:
        score: higher = worse.
        point: the numbers by which it is clustered; none where it is outstanding.
        reasons: in words, the worst first.
    """

    image: str
    score: float
    point: Float[np.ndarray, " high"]
    reasons: tuple[str, ...]
