"""References that use labels: the ceiling that label-free methods are read against. Nothing else may use them."""

from unoqa.benchmark.supervised.parts.contract import Reference, Specimens
from unoqa.core.catalog import Shelf

REFERENCES: Shelf[Reference] = Shelf(__name__, Reference, "supervised reference")  # type: ignore[type-abstract]

__all__ = ["REFERENCES", "Reference", "Specimens"]
