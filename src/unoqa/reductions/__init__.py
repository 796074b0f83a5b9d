"""Dimension reductions: F_H → F_L in the paper."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Reduction

REDUCTIONS: Shelf[Reduction] = Shelf(__name__, Reduction, "reduction")  # type: ignore[type-abstract]

__all__ = ["REDUCTIONS"]
