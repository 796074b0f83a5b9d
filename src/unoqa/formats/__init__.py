"""Image files: from a path to an EnfaceImage, by content, within limits, with nothing but ImageErrors."""

from unoqa.formats.parts.collection import Collection, ImageReference, collect, read
from unoqa.formats.parts.kinds import FORMATS

__all__ = ["FORMATS", "Collection", "ImageReference", "collect", "read"]
