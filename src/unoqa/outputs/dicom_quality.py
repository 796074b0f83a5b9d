"""Copies of en-face objects with the En Face quality rating (`unoqa export --as dicom-quality`)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

from unoqa.core.errors import ResultsError
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.dicom_objects import (
    SCHEME,
    GradedObject,
    import_library,
    list_graded_objects,
    make_uid,
    set_times,
    write_objects,
)
from unoqa.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from unoqa.store.results import Results

EN_FACE = "1.2.840.10008.5.1.4.1.1.77.1.5.7"
"""The only kind of object that has a place for the rating (PS3.3, C.8.17.15)."""

SERIES = 9902
"""Number of the series in a study."""


@final
class DicomQuality(Output):
    """A derived copy of each en-face object, with rating in percent and threshold, α; pixels stay as they are."""

    file: ClassVar[str] = "dicom-quality"
    default: ClassVar[bool] = False
    folder: ClassVar[bool] = True

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write one copy of each en-face object into the folder `path`; the objects are only read.

        Raises:
            ResultsError: no image is from an en-face object, or one is no longer where it lay.
            UsageError: pydicom or highdicom is not installed.
        """
        objects = list_graded_objects(results, images=images)
        written = write_objects(objects, path, partial(make_copy, results), pixels=True)
        if not written:
            raise ResultsError(
                f"{results.folder} has no graded image from an en-face object (Ophthalmic Tomography En Face), which "
                "alone has a place for the rating; export structured reports (dicom-sr) instead."
            )


def make_copy(results: Results, one: GradedObject, source: Dataset) -> Dataset | None:
    """Turn an object that was read into a derived copy with a rating; None if it has no place for one."""
    if source.SOPClassUID != EN_FACE or one.frames[0].grading.percentile is None:
        return None
    pydicom = import_library().pydicom
    reference = pydicom.Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    purpose = import_library().codes.DCM.SourceImageForImageProcessingOperation
    reference.PurposeOfReferenceCodeSequence = [_make_code(purpose)]
    series = make_uid(results, source, one, "series of copies")
    source.SOPInstanceUID = make_uid(results, source, one, "copy")
    source.SeriesInstanceUID, source.SeriesNumber = series, SERIES
    source.SeriesDescription = "Image quality rating (unoqa; research use only)"
    source.ImageType = ["DERIVED", *list(source.get("ImageType") or ["", "PRIMARY"])[1:]]
    source.SourceImageSequence = [reference]
    source.ContributingEquipmentSequence = [*(source.get("ContributingEquipmentSequence") or []), _make_equipment()]
    alpha = results.facts.get("alpha")
    source.OphthalmicEnFaceImageQualityRatingSequence = [_make_rating(one, alpha)]
    set_times(results, source)
    source.preamble = bytes(128)
    source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
    return source


def _make_rating(one: GradedObject, alpha: float | None) -> Dataset:
    """Make the rating: the share of outstanding images that score at least as high, in percent; more is better."""
    codes, rating = import_library().codes, import_library().pydicom.Dataset()
    rating.ConceptNameCodeSequence = [_make_item("percentile", SCHEME, "Percentile among outstanding images")]
    rating.NumericValue = f"{100 * (one.frames[0].grading.percentile or 0.0):.4g}"
    rating.MeasurementUnitsCodeSequence = [_make_code(codes.UCUM.Percent)]
    rating.QualityThreshold = f"{100 * alpha:.4g}" if alpha is not None else None
    rating.AlgorithmFamilyCodeSequence = [_make_item("one-class", SCHEME, "One-class learning")]
    rating.AlgorithmName, rating.AlgorithmVersion = "unoqa", __version__
    return rating


def _make_equipment() -> Dataset:
    equipment = import_library().pydicom.Dataset()
    equipment.Manufacturer, equipment.ManufacturerModelName, equipment.SoftwareVersions = "unoqa", "unoqa", __version__
    equipment.PurposeOfReferenceCodeSequence = [_make_item("109103", "DCM", "Modifying Equipment")]
    return equipment


def _make_code(code: Any) -> Dataset:  # noqa: ANN401 - of an optional library
    return _make_item(code.value, code.scheme_designator, code.meaning)


def _make_item(value: str, scheme: str, meaning: str) -> Dataset:
    item = import_library().pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
