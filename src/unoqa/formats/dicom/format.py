"""DICOM: en-face objects, ophthalmic photographs and secondary captures, of one frame or several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.core.errors import ImageError
from unoqa.formats.dicom.facts import read_facts
from unoqa.formats.dicom.frames import read_frame
from unoqa.formats.dicom.opening import find_meta, open_object
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.limits import check_pages
from unoqa.formats.parts.opening import open_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from unoqa.core.image import EnfaceImage

_VOLUMES = {
    "1.2.840.10008.5.1.4.1.1.77.1.5.4": "B-scans",
    "1.2.840.10008.5.1.4.1.1.77.1.5.8": "an analysis of B-scans",
}
"""Ophthalmic tomography: volumes, whose frames are no en-face images."""

OURS = "UNOQA"
"""Beginning of the implementation version name in what unoqa itself writes (`outputs/parts/dicom_objects.py`)."""


@final
class Dicom(Format):
    """Pixels of 1 to 64 bits, grey or colour, native or compressed (extra `dicom`).

    Each frame is an image. Objects without pixels – reports, presentation states – are no images, and neither are
    objects that unoqa has exported.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".dcm", ".dicom")
    apart: ClassVar[bool] = True

    def matches(self, head: bytes) -> bool:
        """Check for the letters after the preamble, or for file meta information without a preamble."""
        return find_meta(head) >= 0

    def count_pages(self, path: Path) -> int:
        """Count the frames; 0 if the object is no image, 1 if its frames are those of a volume.

        Raises:
            ImageError: the file is damaged, there are more than 10,000 frames, or pydicom is not installed.
        """
        with open_image_file(path, path.name) as stream:
            header = open_object(path, stream, path.name).header
            if _is_ours(header) or not _is_image(header):
                return 0
            frames = 1 if header.get("SOPClassUID") in _VOLUMES else max(1, int(header.get("NumberOfFrames") or 1))
            check_pages(path.name, frames)
            return frames

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one frame as grey, with what the header says of device, eye and field."""
        with open_image_file(path, name) as stream:
            opened = open_object(path, stream, name)
            if volume := _VOLUMES.get(str(opened.header.get("SOPClassUID"))):
                what = f"{name} holds {volume}, not an en-face image; export the en-face image of it."
                raise ImageError("out-of-scope", what, scope="other-modality")
            return replace(read_frame(opened, stream, page, name), facts=read_facts(opened.header, page))


def _is_image(header: Dataset) -> bool:
    """Tell whether an object is an image; one of no known kind counts, so that it is not lost."""
    sop_class = header.get("SOPClassUID")
    known = bool(sop_class) and sop_class.name != str(sop_class)
    return "Rows" in header or not known or "Image" in sop_class.name


def _is_ours(header: Dataset) -> bool:
    return str(header.file_meta.get("ImplementationVersionName", "")).startswith(OURS)
