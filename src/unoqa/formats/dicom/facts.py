"""From a DICOM header to facts: only the elements named here are ever read from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from unoqa.core.facts import Fact, Facts
from unoqa.formats.dicom.groups import find_holder
from unoqa.formats.dicom.slabs import SLABS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom import Dataset

_EYES = {"R": "right", "L": "left", "B": "both"}

_COLUMN_ENDS = {"F": "superior", "H": "inferior"}
"""Where the top lies, by the direction in which rows follow each other: toward the feet, or the head."""

_ROW_ENDS = {"L": "left of the patient", "R": "right of the patient"}

_MOMENTS = (("AcquisitionDateTime",), ("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
"""Where the time of the scan stands; the first that is there counts."""

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?")
"""Date and time of DICOM (PS3.5, 6.2)."""

_UNITS = {"1": "", "%": " %", "dB": " dB"}
"""UCUM codes of the units that quality numbers have, and how they are written."""


def read_facts(header: Dataset, page: int) -> Facts:
    """Read what an object says of one frame, counted from 0."""
    frames = int(header.get("NumberOfFrames") or 1)
    return Facts(
        modality=_read_text(header, "Modality"),
        device=_read_text(header, "Manufacturer", "ManufacturerModelName"),
        software=_read_text(header, "SoftwareVersions"),
        laterality=_read_laterality(header, page),
        slab=_read_slab(header),
        field_of_view=_read_field_of_view(header, page),
        spacing=_read_spacing(header, page),
        orientation=_read_orientation(header),
        frame=Fact(f"{page + 1} of {frames}", _name_elements(header, "NumberOfFrames")) if frames > 1 else None,
        vendor_quality=_read_quality(header),
        burned_in=_read_burned_in(header),
        patient=_read_text(header, "PatientID", "IssuerOfPatientID"),
        session=_read_text(header, "StudyInstanceUID"),
        acquired=_read_time(header),
    )


def _read_text(header: Dataset, *keywords: str) -> Fact | None:
    """Join the values of elements that have one."""
    present = [keyword for keyword in keywords if header.get(keyword)]
    values = [_to_words(header[keyword].value) for keyword in present]
    return Fact(" ".join(values), _name_elements(header, *present)) if any(values) else None


def _to_words(value: Any) -> str:  # noqa: ANN401 - whatever the element holds
    parts = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    return " ".join(" ".join(str(part).split()) for part in parts)


def _name_elements(header: Dataset, *keywords: str) -> str:
    tags = [header[keyword].tag for keyword in keywords]
    return "DICOM " + ", ".join(f"({tag.group:04X},{tag.element:04X})" for tag in tags)


def _read_laterality(header: Dataset, page: int) -> Fact | None:
    found = {}
    for group, keyword in (
        ("FrameAnatomySequence", "FrameLaterality"),
        ("", "ImageLaterality"),
        ("", "Laterality"),
    ):
        holder = find_holder(header, page, group, keyword)
        if holder is not None and (eye := _EYES.get(str(holder[keyword].value))):
            found[_name_elements(holder, keyword)] = eye
    eyes = list(dict.fromkeys(found.values()))
    if not eyes:
        return None
    source = "DICOM " + ", ".join(name.removeprefix("DICOM ") for name in found)
    return Fact(eyes[0] if len(eyes) == 1 else f"unclear: {' and '.join(eyes)}", source)


def _read_slab(header: Dataset) -> Fact | None:
    """Read the slab's code of CID 4271; text that stands beside it is not read."""
    for item in header.get("OphthalmicImageTypeCodeSequence") or ():
        if slab := SLABS.get(str(item.get("CodeValue", ""))):
            return Fact(slab, _name_elements(header, "OphthalmicImageTypeCodeSequence"))
    return None


def _read_pixel_size(header: Dataset, page: int) -> tuple[float, float, str] | None:
    holder = find_holder(header, page, "PixelMeasuresSequence", "PixelSpacing")
    if holder is None or holder.PixelSpacing is None or len(holder.PixelSpacing) != 2:
        return None
    rows, columns = map(float, holder.PixelSpacing)
    return (rows, columns, _name_elements(holder, "PixelSpacing")) if min(rows, columns) > 0 else None


def _read_spacing(header: Dataset, page: int) -> Fact | None:
    size = _read_pixel_size(header, page)
    return None if size is None else Fact(f"{size[0]:.6g} × {size[1]:.6g}", size[2])


def _read_field_of_view(header: Dataset, page: int) -> Fact | None:
    size = _read_pixel_size(header, page)
    if size is None:
        return None
    width, height = size[1] * header.Columns, size[0] * header.Rows
    return Fact(f"{width:.3g} × {height:.3g}", f"{size[2]} × pixels")


def _read_orientation(header: Dataset) -> Fact | None:
    """Read where the rows and columns of pixels lead (PS3.3, C.7.6.1.1.1)."""
    directions: Sequence[str] = header.get("PatientOrientation") or ()
    if len(directions) != 2:
        return None
    along_row, along_column = (str(direction)[:1] for direction in directions)
    top, right = _COLUMN_ENDS.get(along_column), _ROW_ENDS.get(along_row)
    if top is None or right is None:
        return None
    return Fact(f"{top}, {right}", _name_elements(header, "PatientOrientation"))


def _read_quality(header: Dataset) -> Fact | None:
    for item in header.get("OphthalmicEnFaceImageQualityRatingSequence") or ():
        if (number := item.get("NumericValue")) is None:
            continue
        units = item.get("MeasurementUnitsCodeSequence") or [{}]
        value = f"{float(number):g}{_UNITS.get(str(units[0].get('CodeValue', '1')), '')}"
        if (threshold := item.get("QualityThreshold")) is not None:
            value += f" (threshold {float(threshold):g})"
        return Fact(value, _name_elements(header, "OphthalmicEnFaceImageQualityRatingSequence"))
    return None


def _read_burned_in(header: Dataset) -> Fact | None:
    burned = header.get("BurnedInAnnotation") == "YES"
    return Fact("yes", _name_elements(header, "BurnedInAnnotation")) if burned else None


def _read_time(header: Dataset) -> Fact | None:
    """Return when the scan was taken, as ISO 8601; a date and a time are of the same event."""
    for keywords in _MOMENTS:
        present = [keyword for keyword in keywords if header.get(keyword)]
        text = "".join(str(header[keyword].value) for keyword in present)
        if keywords[0] in present and (match := _MOMENT.match(text)):
            year, month, day, hour, minute, second = match.groups()
            time = f"T{hour}:{minute}:{second or '00'}" if hour else ""
            return Fact(f"{year}-{month}-{day}{time}", _name_elements(header, *present))
    return None
