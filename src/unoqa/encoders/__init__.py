"""Encoders: each computes features of images on one or more grids."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Encoder

ENCODERS: Shelf[Encoder] = Shelf(__name__, Encoder, "encoder")  # type: ignore[type-abstract]

__all__ = ["ENCODERS"]
