"""Low-quality modules: each learns what outstanding features look like and says how far others are."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import LowQualityModule

MODULES: Shelf[LowQualityModule] = Shelf(__name__, LowQualityModule, "low-quality module")  # type: ignore[type-abstract]

__all__ = ["MODULES"]
