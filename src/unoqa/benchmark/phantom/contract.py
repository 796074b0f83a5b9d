"""The contracts of damage, which is of the acquisition, and of lesions, which are of the eye; and their shelves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float32

from unoqa.benchmark.phantom.eye import Eye
from unoqa.benchmark.phantom.flow import Flow
from unoqa.core.catalog import Shelf


class Damage(ABC):
    """One kind of fault of an acquisition.

    Attributes:
        frequency: how often this kind occurs in a phantom clinic, relative to the other kinds; 0: it is planted on
            request only.
        stage: when it happens: 0 in the eye's position, 1 on the light's path, 2 in the detector, 3 between scan
            lines, 4 when the lid closes. A later stage damages the result of the earlier ones.
        measures: those whose finding names this kind; empty if none does.
    """

    frequency: ClassVar[float] = 1.0
    stage: ClassVar[int] = 1
    measures: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def apply(
        self, pixels: Float32[np.ndarray, "size size"], severity: float, rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        """Damage a scan.

        Args:
            pixels: a square scan, 0–1; it is not changed in place.
            severity: from 0 (no change) through .5 (about a quarter of the scan is lost) to 1.

        Returns:
            The damaged scan, and a mask of the damaged pixels: outside it, the scan equals `pixels`.
        """


def load_damages() -> dict[str, Damage]:
    """Load every kind of damage on the shelf, keyed by the name of its file."""
    shelf = Shelf("unoqa.benchmark.phantom.damage", Damage, "damage")  # type: ignore[type-abstract]
    return {name: shelf.load(name)() for name in shelf.names()}


class Lesion(ABC):
    """One kind of disease of the eye: no fault of the scan, which shows it."""

    @abstractmethod
    def grow(self, flow: Flow, eye: Eye, rng: np.random.Generator) -> tuple[Flow, Bool[np.ndarray, "size size"]]:
        """Grow the lesion in a healthy eye; how much of it there is, is random.

        Returns:
            The flow of the diseased eye, and a mask of the changed pixels: outside it, both are equal.
        """


def load_lesions() -> dict[str, Lesion]:
    """Load every lesion on the shelf, keyed by the name of its file."""
    shelf = Shelf("unoqa.benchmark.phantom.lesions", Lesion, "lesion")  # type: ignore[type-abstract]
    return {name: shelf.load(name)() for name in shelf.names()}
