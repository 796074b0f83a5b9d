"""Grades leave as DICOM: read back by pydicom and highdicom, checked by dciodvfy; the sources stay as they are."""

from __future__ import annotations

import os
import shutil
import subprocess

import highdicom
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from dicom_files import CAPTURE_OF_FRAMES, make_object, write_object
from unoqa import Results, grade_to_folder
from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade
from unoqa.formats import collect
from unoqa.outputs import OUTPUTS

ASSESSMENTS = {Grade.UNGRADABLE: "111235", Grade.GRADABLE: "111236", Grade.OUTSTANDING: "111237"}


@pytest.fixture(scope="session")
def graded(clinic, settled, tmp_path_factory):
    """Return the folder of some objects, and the results of grading them."""
    base = tmp_path_factory.mktemp("dicom")
    objects = base / "objects"
    objects.mkdir()
    scans = [np.asarray(Image.open(path)) for path in sorted(clinic.mixed.iterdir())[::4]]
    for number, pixels in enumerate(scans):
        syntax = (ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit)[number % 3]
        (objects / f"{number}.dcm").write_bytes(write_object(make_object(pixels, AccessionNumber="A7"), syntax))
    frames = make_object(np.stack(scans[:3]), sop_class=CAPTURE_OF_FRAMES, slab="")
    (objects / "frames.dcm").write_bytes(write_object(frames))
    options = GradeOptions(mode=Mode.ALONE, heat=False)
    grade_to_folder(settled, objects, base / "results", options).close()
    return objects, base / "results"


@pytest.fixture
def export(graded, tmp_path):
    """Return a function that writes a view and returns its objects by the id of their source."""

    def write(kind, *, images=None):
        folder = tmp_path / kind
        with Results.open(graded[1]) as results:
            OUTPUTS.load(kind)().write(results, folder, images=images)
        made = [dcmread(path) for path in sorted(folder.iterdir())]
        assert [path.stem for path in sorted(folder.iterdir())] == sorted(str(one.SOPInstanceUID) for one in made)
        return {find_source(one): one for one in made}

    return write


def find_source(made):
    if "SourceImageSequence" in made:
        return made.SourceImageSequence[0].ReferencedSOPInstanceUID
    (study,) = made.CurrentRequestedProcedureEvidenceSequence
    (instance,) = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    return instance.ReferencedSOPInstanceUID


def list_groups(report):
    return highdicom.sr.ComprehensiveSR.from_dataset(report).content.get_image_measurement_groups()


def test_every_object_gets_a_report_with_the_grade_of_each_frame(graded, export):
    objects, folder = graded
    before = {path: path.read_bytes() for path in objects.iterdir()}
    reports = export("dicom_sr")
    with Results.open(folder) as results:
        gradings = {grading.image: grading for grading in results.gradings}
    assert len(reports) == len(before)
    for path in objects.iterdir():
        source = dcmread(path)
        report = reports[source.SOPInstanceUID]
        assert (report.PatientID, report.AccessionNumber) == (source.PatientID, source.get("AccessionNumber", ""))
        assert report.StudyInstanceUID == source.StudyInstanceUID
        names = [path.name, *(f"{path.name}#{number}" for number in range(2, int(source.get("NumberOfFrames", 1)) + 1))]
        groups = list_groups(report)
        assert len(groups) == len(names)
        for name, group in zip(names, groups, strict=True):
            check_group(group, gradings[name])
    assert {path: path.read_bytes() for path in objects.iterdir()} == before


def check_group(group, grading):
    said = [(one.name.value, one.value.value) for one in group.get_qualitative_evaluations()]
    assert ("111050", ASSESSMENTS[grading.grade]) in said
    findings = [
        one.value.meaning for one in group.get_qualitative_evaluations() if one.value.scheme_designator[:2] == "99"
    ]
    assert findings == [str(finding) for finding in grading.findings]
    measured = {one.name.value: one.value for one in group.get_measurements()}
    assert measured == pytest.approx({"111029": 100 * grading.percentile, "score": grading.score}, abs=1e-4)
    assert group.finding_sites[0].laterality.meaning == "Right"


def test_the_same_results_give_the_same_report(export):
    first, second = export("dicom_sr"), export("dicom_sr")
    assert {uid: one.to_json() for uid, one in first.items()} == {uid: one.to_json() for uid, one in second.items()}


def test_a_report_has_the_final_grade_of_readers(graded, export, tmp_path):
    with Results.open(shutil.copytree(graded[1], tmp_path / "reviewed")) as results:
        wanted = Grade.UNGRADABLE if results.gradings[0].grade is not Grade.UNGRADABLE else Grade.GRADABLE
        results.decide(0, "anna", "grade", wanted.word, reason="seen")
        OUTPUTS.load("dicom_sr")().write(results, tmp_path / "sr")
    source = dcmread(graded[0] / "0.dcm").SOPInstanceUID
    (report,) = (one for path in (tmp_path / "sr").iterdir() if find_source(one := dcmread(path)) == source)
    said = [one.value.value for one in list_groups(report)[0].get_qualitative_evaluations()]
    assert ASSESSMENTS[wanted] in said
    assert report.SOPInstanceUID != export("dicom_sr")[source].SOPInstanceUID


def test_a_copy_has_the_rating_and_the_pixels_of_its_source(graded, export):
    copies = export("dicom_quality")
    with Results.open(graded[1]) as results:
        percentiles = {grading.image: grading.percentile for grading in results.gradings}
        alpha = results.facts["alpha"]
    assert len(copies) == len(list(graded[0].iterdir())) - 1  # a secondary capture has no place for it
    for path in graded[0].glob("?.dcm"):
        source = dcmread(path)
        copy = copies[source.SOPInstanceUID]
        assert copy.PixelData == source.PixelData
        assert copy.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID
        assert copy.SOPInstanceUID != source.SOPInstanceUID
        assert copy.ImageType[0] == "DERIVED"
        (rating,) = copy.OphthalmicEnFaceImageQualityRatingSequence
        assert float(rating.NumericValue) == pytest.approx(100 * percentiles[path.name], abs=0.01)
        assert float(rating.QualityThreshold) == pytest.approx(100 * alpha)


@pytest.mark.parametrize("kind", ["dicom_sr", "dicom_quality"])
def test_what_was_written_is_never_taken_for_a_scan(graded, export, tmp_path, kind):
    export(kind)
    shutil.copy(graded[0] / "0.dcm", tmp_path / kind / "scan.dcm")
    assert [reference.name for reference in collect([tmp_path / kind]).references] == ["scan.dcm"]


def test_objects_may_have_been_moved(graded, export, tmp_path):
    objects = shutil.copytree(graded[0], tmp_path / "elsewhere")
    assert len(export("dicom_sr", images=objects)) == len(list(objects.iterdir()))
    (objects / "0.dcm").unlink()
    with pytest.raises(ResultsError, match=r"0\.dcm cannot be opened.*name their folder"):
        export("dicom_sr", images=objects)


def test_pictures_have_no_reports(clinic, settled, tmp_path):
    options = GradeOptions(mode=Mode.ALONE, heat=False)
    pictures = clinic.some(tmp_path / "pictures", 2)
    with grade_to_folder(settled, pictures, tmp_path / "results", options) as results:
        for kind in ("dicom_sr", "dicom_quality"):
            with pytest.raises(ResultsError, match="has no graded image from a DICOM object"):
                OUTPUTS.load(kind)().write(results, tmp_path / kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dicom_sr", "dicom_quality"])
def test_a_checker_of_others_finds_no_new_error(graded, export, tmp_path, kind):
    checker = shutil.which("dciodvfy")
    if checker is None:
        if os.environ.get("UNOQA_REQUIRE_DCIODVFY"):
            pytest.fail("dciodvfy is missing: apt-get install dicom3tools")
        pytest.skip("dciodvfy (Debian: dicom3tools) is not installed")
    export(kind)
    known = set().union(*(list_errors(checker, path) for path in graded[0].iterdir()))
    for path in (tmp_path / kind).iterdir():
        assert list_errors(checker, path) - (known if kind == "dicom_quality" else set()) == set()


def list_errors(checker, path):
    ended = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
    assert ended.stderr
    return {line for line in ended.stderr.splitlines() if line.startswith("Error")}


def test_one_bad_header_does_not_keep_the_others_from_a_report(clinic, settled, tmp_path):
    objects = tmp_path / "objects"
    objects.mkdir()
    for number, path in enumerate(sorted(clinic.mixed.iterdir())[:3]):
        made = make_object(np.asarray(Image.open(path)), **({"StudyInstanceUID": ""} if number == 0 else {}))
        (objects / f"{number}.dcm").write_bytes(write_object(made))
    results = grade_to_folder(settled, objects, tmp_path / "results", GradeOptions(mode=Mode.ALONE, heat=False))
    with results, pytest.raises(ResultsError, match=r"1 of 3 objects were not written; the first: 0\.dcm has no Study"):
        OUTPUTS.load("dicom_sr")().write(results, tmp_path / "sr")
    assert len(list((tmp_path / "sr").iterdir())) == 2
