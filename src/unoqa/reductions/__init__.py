"""Dimension reductions: from many numbers per image (F_H in the paper) to few (F_L)."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Reduction

REDUCTIONS: Shelf[Reduction] = Shelf(__name__, Reduction, "reduction")  # type: ignore[type-abstract]

__all__ = ["REDUCTIONS"]
