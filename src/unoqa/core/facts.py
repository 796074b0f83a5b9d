"""Facts of a scan: what its file, or a manifest, says of device, eye and field."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@final
@dataclass(frozen=True)
class Fact:
    """One fact, and where it was read or declared, such as `DICOM (0020,0062)` or `manifest`."""

    value: str
    source: str


@final
@dataclass(frozen=True)
class Facts:
    """What is known of a scan beside its pixels; None where nobody says.

    Attributes:
        modality: DICOM's word for the kind of image, such as `OPTENF` (en-face OCT or OCTA) or `OP` (photograph).
        device: manufacturer and model.
        software: version of the device's software.
        laterality: `right`, `left` or `both`; `unclear: …` where the file contradicts itself.
        slab: depth range of the en-face projection, such as `superficial`; `structural …` if it shows reflectance, not
            flow.
        field_of_view: width × height in millimetres, such as `6 × 6`.
        spacing: millimetres per pixel, rows × columns.
        orientation: where the top and the right of the image lie, such as `superior, left of the patient`.
        frame: number of the frame in a file of several, and how many there are.
        vendor_quality: the device's own quality number.
        burned_in: `yes` where the file says that text is burned into the pixels.
        crop: where in its picture the scan lies: column and row of its upper left corner, width and height in pixels.
        patient: who; equal for all scans of a person.
        session: the visit.
        site: where the scan was taken.
        acquired: when it was taken, ISO 8601.
    """

    modality: Fact | None = None
    device: Fact | None = None
    software: Fact | None = None
    laterality: Fact | None = None
    slab: Fact | None = None
    field_of_view: Fact | None = None
    spacing: Fact | None = None
    orientation: Fact | None = None
    frame: Fact | None = None
    vendor_quality: Fact | None = None
    burned_in: Fact | None = None
    crop: Fact | None = None
    patient: Fact | None = None
    session: Fact | None = None
    site: Fact | None = None
    acquired: Fact | None = None

    def known(self) -> Iterator[tuple[str, Fact]]:
        """Yield name and fact of all that is known."""
        for field in fields(self):
            fact = getattr(self, field.name)
            if fact is not None:
                yield field.name, fact

    def complete(self, declared: Facts, name: str) -> Facts:
        """Return these facts and, where they say nothing, the declared ones.

        Who, which visit and when are taken from the declaration, since a file's own words for them are not kept as
        they are.

        Args:
            name: of the image, for the error message.

        Raises:
            ImageError: `conflict`: both say something, and not the same.
        """
        missing = {}
        for key, fact in declared.known():
            own: Fact | None = getattr(self, key)
            if own is None or key in (*IDENTIFIERS, *DATES):
                missing[key] = fact
            elif not agree(key, own.value, fact.value):
                what = key.replace("_", " ")
                raise ImageError(
                    "conflict",
                    f"{name} has the {what} '{own.value}' by {own.source} and '{fact.value}' by {fact.source}; "
                    "find out which is right, and correct the other.",
                )
        return replace(self, **missing) if missing else self

    def was_completed_by(self, declared: Facts) -> bool:
        """Tell whether `complete` with these declared facts gave these facts."""
        own = replace(self, **{key: None for key, fact in self.known() if fact.source == DECLARED})
        try:
            return own.complete(declared, "") == self
        except ImageError:
            return False


def agree(key: str, first: str, second: str) -> bool:
    """Tell whether two values of a fact may mean the same.

    Numbers must be equal, and so must laterality. Of words, those of one may be among those of the other:
    a file says `Carl Zeiss Meditec CIRRUS` where people say `Cirrus`. A slab of reflectance is never one of flow.

    >>> agree("device", "Carl Zeiss Meditec CIRRUS", "cirrus"), agree("laterality", "right", "left")
    (True, False)
    >>> agree("slab", "superficial plexus", "superficial"), agree("slab", "structural superficial", "superficial")
    (True, False)
    """
    one, other = first.casefold(), second.casefold()
    if key in ("field_of_view", "spacing"):
        return _list_numbers(one) == _list_numbers(other)
    if key == "slab" and one.startswith(STRUCTURAL) != other.startswith(STRUCTURAL):
        return False
    if key in ("device", "slab", "site"):
        sets = [set(re.findall(r"\w+", text)) for text in (one, other)]
        return sets[0] <= sets[1] or sets[1] <= sets[0]
    return one.strip() == other.strip()


def _list_numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


STRUCTURAL = "structural"
"""First word of slabs that show reflectance, not flow."""

NO_FACTS = Facts()
"""Of an image of which only the pixels are known."""

DECLARED = "manifest"
"""The source of facts that a user states."""

IDENTIFIERS = ("patient", "session")
"""Facts that say who was scanned; read from a header, they are kept as keyed hashes only, unless asked for."""

DATES = ("acquired",)
"""Facts that say when; read from a header, they are not kept unless asked for."""
