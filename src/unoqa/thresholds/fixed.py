"""A threshold that the settings give, whatever the scores are."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from unoqa.core.contracts import Threshold
from unoqa.core.settings import settings


@final
@settings
class Fixed(Threshold):
    """A given value, the same for all images: for a site that has validated its own threshold.

    Example:
        >>> Fixed(value=2.5).fit(np.zeros(3))
        2.5
    """

    value: Annotated[float, Field(allow_inf_nan=False, description="score above which an image is not outstanding")] = (
        2.0
    )

    @property
    def min_images(self) -> int:
        """Return 1: nothing is fitted."""
        return 1

    def fit(self, scores: Float[np.ndarray, " images"]) -> float:
        """Return the value; the scores are not used."""
        del scores
        return self.value
