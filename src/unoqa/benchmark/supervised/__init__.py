"""Supervised references: classifiers that learn from labels, to compare methods without labels with.

Nothing outside the benchmark uses them.
"""

from unoqa.benchmark.supervised.parts.contract import LabelledData, SupervisedReference
from unoqa.core.catalog import Shelf

_KIND = "supervised reference"

REFERENCES: Shelf[SupervisedReference] = Shelf(__name__, SupervisedReference, _KIND)  # type: ignore[type-abstract]

__all__ = ["REFERENCES", "LabelledData", "SupervisedReference"]
