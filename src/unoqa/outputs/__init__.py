"""Outputs: the files that a run writes into its results folder."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Output

OUTPUTS: Shelf[Output] = Shelf(__name__, Output, "output")  # type: ignore[type-abstract]

__all__ = ["OUTPUTS"]
