"""TIFF: 16-bit and float exports, stacks of several en-face images, ImageJ, OME."""

from unoqa.formats.tiff.format import Tiff

__all__ = ["Tiff"]
