"""Low-quality modules: each learns the features of outstanding images and scores how far other images are from them."""

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import LowQualityModule

MODULES: Shelf[LowQualityModule] = Shelf(__name__, LowQualityModule, "low-quality module")  # type: ignore[type-abstract]

__all__ = ["MODULES"]
