"""Grades as DICOM structured reports, one a source object (`unoqa export --as dicom-sr`)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

from unoqa.core.grading import Grade
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.dicom_objects import (
    SCHEME,
    GradedFrame,
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

ASSESSMENTS = {
    Grade.UNGRADABLE: "UnusableQualityRendersImageUnusable",
    Grade.GRADABLE: "UsableDoesNotMeetTheQualityControlStandard",
    Grade.OUTSTANDING: "UsableMeetsTheQualityControlStandard",
}
"""The code of DICOM's context group 6044 for each grade."""

FAILURES = {
    "row_steps": "MotionBlur",
    "column_steps": "MotionBlur",
    "centring": "Positioning",
    "brightness": "UnderExposed",
    "saturation": "OverExposed",
}
"""The code of context group 6135 for a finding by each measure; the others have a code of ours."""

NEEDED = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SpecificCharacterSet"),
    *("Rows", "Columns", "NumberOfFrames", "Manufacturer", "ManufacturerModelName", "SoftwareVersions"),
)
"""Elements that tell which object a report is about, and what made it."""

MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
"""Elements that a report takes over from its source; where a source has left them out, they are empty (type 2)."""

SEXES = ("F", "M", "O")
"""Values of Patient's Sex that the standard knows; another one is left out."""

SERIES = 9901
"""Number of the series in a study."""


@final
class DicomSr(Output):
    """A Comprehensive SR (TID 1500) of each object: quality rating, quality assessment and findings of each frame."""

    file: ClassVar[str] = "dicom-sr"
    default: ClassVar[bool] = False
    folder: ClassVar[bool] = True

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write one report for each object into the folder `path`; the objects are only read.

        Raises:
            ResultsError: no image is from a DICOM object, or one is no longer where it lay.
            UsageError: pydicom or highdicom is not installed.
        """
        write_objects(list_graded_objects(results, images=images), path, partial(make_report, results), pixels=False)


def make_report(results: Results, one: GradedObject, source: Dataset) -> Any:  # noqa: ANN401 - of an optional library
    """Make the report of one object."""
    evidence = _reduce(source)
    library = import_library()
    sr, codes = library.sr, library.codes
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=make_uid(results, source, one, "observer"), name="unoqa", manufacturer_name="unoqa", model_name=__version__
    )
    observer = sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.DCM.OphthalmicTomographyEnFace,
        imaging_measurements=[_make_group(results, frame, source, one) for frame in one.frames],
    )
    report = sr.ComprehensiveSR(
        evidence=[evidence],
        content=content[0],
        series_instance_uid=make_uid(results, source, one, "series of reports"),
        series_number=SERIES,
        sop_instance_uid=make_uid(results, source, one, "report"),
        instance_number=1,
        manufacturer="unoqa",
        is_complete=True,
    )
    set_times(results, report)
    for equipment in report.ContributingEquipmentSequence:
        equipment.pop("ContributionDateTime", None)  # when the scan was taken, which no report must say
    report.ManufacturerModelName, report.SoftwareVersions = "unoqa", __version__
    report.SeriesDescription = "Image quality (unoqa; research use only)"
    return report


def _reduce(source: Dataset) -> Dataset:
    """Return of an object what a report must repeat; highdicom would repeat all that is said of patient and study."""
    needed = import_library().pydicom.Dataset()
    for keyword in (*NEEDED, *MAY_BE_EMPTY):
        if keyword in source:
            needed[keyword] = source[keyword]
        elif keyword in MAY_BE_EMPTY:
            setattr(needed, keyword, "")
    if needed.PatientSex not in SEXES:
        needed.PatientSex = ""
    return needed


def _make_group(results: Results, frame: GradedFrame, source: Dataset, one: GradedObject) -> Any:  # noqa: ANN401 - as above
    """Make the measurement group of one frame (TID 1501)."""
    library = import_library()
    sr, codes = library.sr, library.codes
    several = int(source.get("NumberOfFrames") or 1) > 1
    image = sr.SourceImageForMeasurementGroup(
        source.SOPClassUID, source.SOPInstanceUID, [frame.number] if several else None
    )
    evaluations = [
        sr.QualitativeEvaluation(codes.DCM.QualityAssessment, getattr(codes.DCM, ASSESSMENTS[frame.final])),
        sr.QualitativeEvaluation(
            codes.DCM.QualityControlStandard, codes.DCM.InstitutionallyDefinedQualityControlStandard
        ),
        *(sr.QualitativeEvaluation(codes.DCM.QualityFinding, code) for code in _list_findings(frame)),
    ]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=make_uid(results, source, one, f"frame {frame.number}"), identifier=f"frame {frame.number}"
        ),
        algorithm_id=sr.AlgorithmIdentification(name="unoqa", version=__version__),
        method=sr.CodedConcept(frame.source.name, SCHEME, f"Final grade by: {frame.source.value}"),
        finding_sites=_list_sites(frame),
        measurements=_list_measurements(frame),
        qualitative_evaluations=evaluations,
        source_images=[image],
    )


def _list_measurements(frame: GradedFrame) -> list[Any]:
    """Return the rating (better is higher, so that it can be compared with others) and the score."""
    library = import_library()
    sr, codes = library.sr, library.codes
    score = sr.CodedConcept("score", SCHEME, "Score, higher is worse")
    measured = [sr.Measurement(score, float(frame.grading.score or 0.0), codes.UCUM.NoUnits)]
    if frame.grading.percentile is not None:
        rating = round(100 * frame.grading.percentile, 4)
        measured.insert(0, sr.Measurement(codes.DCM.ImageQualityRating, rating, codes.UCUM.Percent))
    return measured


def _list_findings(frame: GradedFrame) -> list[Any]:
    """Return a code for each finding: the standard's where it has one, and ours, which also says where."""
    library = import_library()
    found = []
    for finding in frame.grading.findings:
        if known := FAILURES.get(finding.measure):
            found.append(getattr(library.codes.DCM, known))
        found.append(library.sr.CodedConcept(finding.measure[:16], SCHEME, str(finding)[:64]))
    return found


def _list_sites(frame: GradedFrame) -> list[Any]:
    library = import_library()
    sides = {"right": library.codes.SCT.Right, "left": library.codes.SCT.Left}
    eye = frame.facts.laterality
    side = None if eye is None else sides.get(eye.value)
    return [library.sr.FindingSite(library.codes.SCT.Retina, laterality=side)]
