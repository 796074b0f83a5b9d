"""The contract of a measure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from unoqa.encoders.measures.parts.views import Views


class Measure(ABC):
    """One number per place of a 20×20 grid, or one per image.

    Attributes:
        unit: of the number.
        direction: +1 where a high number is bad, -1 where a low one is.
        sentence: what the number tells a reader.
        reason: the words for an image in which it is bad.
        local: whether there is a number per place.
        version: raised whenever the number of an image changes; a model is refused by another version.
    """

    unit: ClassVar[str]
    direction: ClassVar[int]
    sentence: ClassVar[str]
    reason: ClassVar[str]
    local: ClassVar[bool] = True
    version: ClassVar[int] = 1

    @abstractmethod
    def measure(self, views: Views) -> Float[np.ndarray, "rows columns"]:
        """Measure one image: 20×20 numbers where the measure is local, else 1×1."""
