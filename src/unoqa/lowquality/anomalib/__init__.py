"""Any image model of the library anomalib that learns from good images only."""

from unoqa.lowquality.anomalib.module import Anomalib

__all__ = ["Anomalib"]
