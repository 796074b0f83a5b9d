"""The contract of a measure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from unoqa.encoders.measures.parts.views import Views


class Measure(ABC):
    """A hand-made measure: one number per place of a 20×20 grid, or one per image.

    Attributes:
        unit: of the number.
        direction: +1 if a high number is bad, -1 if a low one is.
        sentence: explains the number to a reader.
        reason: the reason given for an image whose number is bad.
        explained_by: measures that name the same fault better, where they find it at the same places.
        local: whether there is one number per place.
        version: increased whenever the numbers change; a model fitted with another version is not loaded.
    """

    unit: ClassVar[str]
    direction: ClassVar[int]
    sentence: ClassVar[str]
    reason: ClassVar[str]
    explained_by: ClassVar[tuple[str, ...]] = ()
    local: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if getattr(cls, "direction", 1) not in (1, -1):
            raise TypeError(f"the direction of {cls.__name__} is {cls.direction!r}; use 1 (high is bad) or -1")

    @abstractmethod
    def measure(self, views: Views) -> Float[np.ndarray, "rows columns"]:
        """Measure one image: return 20×20 numbers if the measure is local, else 1×1."""
