"""Clusterings: each splits the images that are not outstanding into two clusters."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Clustering

CLUSTERINGS: Shelf[Clustering] = Shelf(__name__, Clustering, "clustering")  # type: ignore[type-abstract]

__all__ = ["CLUSTERINGS"]
