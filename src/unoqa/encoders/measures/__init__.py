"""Hand-made measures of image quality. Each is a file with a name, a unit, a bad direction and an explanation."""

from unoqa.encoders.measures.parts.encoder import MEASURES, Measures

__all__ = ["MEASURES", "Measures"]
