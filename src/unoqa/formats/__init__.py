"""Image files: a path becomes an EnfaceImage. Content decides the format; every failure is an ImageError."""

from unoqa.formats.parts.arrays import from_array
from unoqa.formats.parts.collection import Collection, ImageReference, collect, collect_named, read
from unoqa.formats.parts.kinds import FORMATS
from unoqa.formats.parts.unread import describe_unread

__all__ = [
    "FORMATS",
    "Collection",
    "ImageReference",
    "collect",
    "collect_named",
    "describe_unread",
    "from_array",
    "read",
]
