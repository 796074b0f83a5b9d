"""Thresholds: a threshold is the score above which an image is not outstanding; it is set from outstanding images."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Threshold

THRESHOLDS: Shelf[Threshold] = Shelf(__name__, Threshold, "threshold")  # type: ignore[type-abstract]

__all__ = ["THRESHOLDS"]
