"""The shelf of formats, and which of them a file belongs to."""

from __future__ import annotations

from functools import cache

from unoqa.core.catalog import Shelf
from unoqa.core.contracts import Format

FORMATS: Shelf[Format] = Shelf("unoqa.formats", Format, "format")  # type: ignore[type-abstract]
"""All formats by name."""

HEAD = 32
"""Bytes that tell every format from every other."""


@cache
def every_format() -> tuple[Format, ...]:
    """Return one of each, in the order of their names."""
    return tuple(FORMATS.load(name)() for name in FORMATS.names())


def recognised(head: bytes) -> Format | None:
    """Return the format that a file's first bytes belong to: content decides, never the name."""
    return next((kind for kind in every_format() if kind.matches(head)), None)


def has_suffix(name: str) -> bool:
    """Tell whether a file is called like an image, whatever it holds."""
    suffixes = tuple(suffix for kind in every_format() for suffix in kind.suffixes)
    return name.lower().endswith(suffixes)
