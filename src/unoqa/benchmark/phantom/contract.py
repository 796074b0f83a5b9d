"""What every kind of damage promises, and the shelf on which it stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from unoqa.core.catalog import Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Damage(ABC):
    """One kind of fault of an acquisition.

    Attributes:
        frequency: how often it is met, relative to the other kinds.
        stage: when it happens: 0 as the eye looks, 1 on the light's way, 2 in the detector, 3 between lines,
            4 as the lid closes. What happens later damages what happened before.
    """

    frequency: ClassVar[float] = 1.0
    stage: ClassVar[int] = 1

    @abstractmethod
    def apply(
        self, pixels: NDArray[np.float32], severity: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Damage a scan.

        Args:
            pixels: a square scan from 0 to 1; it is not changed.
            severity: from 0 (nothing changes) through .5 (about a quarter of the scan is lost) to 1.

        Returns:
            The damaged scan, and where it is damaged: everywhere else it equals the given one.
        """


def damages() -> dict[str, Damage]:
    """Load every kind of damage on the shelf, by the name of its file."""
    shelf = Shelf("unoqa.benchmark.phantom.damage", Damage, "damage")  # type: ignore[type-abstract]
    return {name: shelf.load(name)() for name in shelf.names()}
