"""The shelf of formats, and the detection of a file's format."""

from __future__ import annotations

import warnings
from functools import cache

from unoqa.core.catalog import Shelf
from unoqa.formats.parts.contract import Format

FORMATS: Shelf[Format] = Shelf("unoqa.formats", Format, "format")  # type: ignore[type-abstract]
"""All formats by name."""

HEAD_BYTES = 512
"""Number of first bytes of a file that are enough to tell the formats apart; NIfTI has its signature at 344."""


@cache
def load_formats() -> tuple[Format, ...]:
    """Return one instance of each format, in the order of their names; warn of one of another package that fails."""
    usable, sentences = FORMATS.load_usable()
    for sentence in sentences:
        warnings.warn(sentence, stacklevel=2)
    return tuple(choice() for choice in usable.values())


def detect_format(head: bytes) -> Format | None:
    """Return the format of a file from its first bytes; its name plays no part."""
    return next((candidate for candidate in load_formats() if candidate.matches(head)), None)


def has_image_suffix(name: str) -> bool:
    """Tell whether a file is named like an image, whatever it contains."""
    suffixes = tuple(suffix for candidate in load_formats() for suffix in candidate.suffixes)
    return name.lower().endswith(suffixes)
