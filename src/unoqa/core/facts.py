"""Facts of a scan: what its file says of device, eye and field."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator


@final
@dataclass(frozen=True)
class Fact:
    """One fact, and where it was read or declared, such as `DICOM (0022,1463)` or `manifest`."""

    value: str
    source: str


@final
@dataclass(frozen=True)
class Facts:
    """What is known of a scan beside its pixels; None where nobody says.

    Attributes:
        device: manufacturer and model.
        laterality: `right` or `left`.
        slab: depth range of the en-face projection, such as `superficial`.
        field_of_view: width × height in millimetres, such as `6 × 6`.
        spacing: millimetres per pixel, rows × columns.
        frame: number of the frame in a file of several.
        vendor_quality: the device's own quality number.
    """

    device: Fact | None = None
    laterality: Fact | None = None
    slab: Fact | None = None
    field_of_view: Fact | None = None
    spacing: Fact | None = None
    frame: Fact | None = None
    vendor_quality: Fact | None = None

    def known(self) -> Iterator[tuple[str, Fact]]:
        """Yield name and fact of all that is known."""
        for field in fields(self):
            fact = getattr(self, field.name)
            if fact is not None:
                yield field.name, fact


NO_FACTS = Facts()
"""Of an image of which only the pixels are known."""
