"""Image models of the library anomalib that learn from good images only."""

from unoqa.lowquality.anomalib.module import Anomalib

__all__ = ["Anomalib"]
