"""A threshold that an outstanding image exceeds with a known probability."""

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

    A new outstanding image, exchangeable with those, scores above it with probability at most α: the default
    threshold lets about 90 % of outstanding images pass. No label and no poor image is needed.

    Example:
        >>> Conformal(alpha=0.1).fit(np.arange(1.0, 20.0))
        18.0
    """

    alpha: Annotated[
        float, Field(ge=0.001, lt=1, description="maximum share of outstanding images above the threshold")
    ] = 0.10

    @property
    def min_images(self) -> int:
        """Return 1/α - 1, rounded up: with fewer scores no finite threshold keeps that probability."""
        return math.ceil(round(1 / self.alpha - 1, 9))

    def fit(self, scores: Float[np.ndarray, " images"]) -> float:
        """Return the threshold.

        Raises:
            FitError: fewer than 1/α - 1 scores.
        """
        if len(scores) < self.min_images:
            raise FitError(
                f"A threshold that refuses at most {self.alpha:.0%} of outstanding images needs at least "
                f"{self.min_images} of them, and there are {len(scores)}; give more images or a larger alpha."
            )
        rank = math.ceil(round((len(scores) + 1) * (1 - self.alpha), 9))
        return float(np.sort(scores)[min(rank, len(scores)) - 1])
