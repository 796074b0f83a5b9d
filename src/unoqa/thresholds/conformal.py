"""A threshold that refuses an outstanding image with a known probability."""

from __future__ import annotations

import math
from typing import Annotated, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import Threshold
from unoqa.core.errors import FitError
from unoqa.core.settings import settings


@final
@settings
class Conformal(Threshold):
    """The ⌈(n+1)(1-α)⌉-th smallest score of n outstanding images (Vovk et al. 2005; Papadopoulos 2002).

    A further outstanding image, exchangeable with those, scores above it with probability at most α. No
    label and no poor image is needed.

    Example:
        >>> Conformal(alpha=0.1).fit(np.arange(1.0, 20.0))
        18.0
    """

    alpha: Annotated[float, Field(ge=0.001, lt=1, description="share of outstanding images refused at most")] = 0.10

    @property
    def needs(self) -> int:
        """Return 1/α - 1, rounded up: with fewer scores no finite threshold keeps the promise."""
        return math.ceil(round(1 / self.alpha - 1, 9))

    def fit(self, scores: Float[np.ndarray, " images"]) -> float:
        """Return the threshold.

        Raises:
            FitError: fewer than 1/α - 1 scores.
        """
        if len(scores) < self.needs:
            raise FitError(
                f"A threshold that refuses at most {self.alpha:.0%} of outstanding images takes at least "
                f"{self.needs} of them, and there are {len(scores)}; give more images or a larger --alpha."
            )
        rank = math.ceil(round((len(scores) + 1) * (1 - self.alpha), 9))
        return float(np.sort(scores)[min(rank, len(scores)) - 1])
