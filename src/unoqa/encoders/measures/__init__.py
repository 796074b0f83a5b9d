"""Hand-made measures of image quality, each a file with name, unit, bad direction and a sentence."""

from unoqa.encoders.measures.parts.encoder import MEASURES, Measures

__all__ = ["MEASURES", "Measures"]
