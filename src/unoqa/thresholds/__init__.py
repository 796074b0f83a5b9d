"""Thresholds: each sets the score above which an image is not outstanding."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Threshold

THRESHOLDS: Shelf[Threshold] = Shelf(__name__, Threshold, "threshold")  # type: ignore[type-abstract]

__all__ = ["THRESHOLDS"]
