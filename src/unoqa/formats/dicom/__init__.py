"""DICOM objects: what devices send to a hospital's archive."""

from unoqa.formats.dicom.format import Dicom

__all__ = ["Dicom"]
