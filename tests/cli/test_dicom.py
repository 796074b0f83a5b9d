"""A folder of DICOM objects is graded as the same scans in PNG are; what is out of scope has a row and no grade."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from dicom_files import DEEP, STRUCTURAL, make_object, write_object
from unoqa import Results


@pytest.fixture(scope="session")
def objects(clinic, tmp_path_factory):
    """Return a folder with the clinic's scans as objects, of a deep slab, of a structural one, and of a lung."""
    folder = tmp_path_factory.mktemp("objects")
    for number, path in enumerate(sorted(clinic.mixed.iterdir())):
        pixels = np.asarray(Image.open(path))
        made = make_object(pixels, PatientID=f"INVENTED-{number // 2}", ImageLaterality="RL"[number % 2])
        (folder / f"{path.stem}.dcm").write_bytes(write_object(made, JPEG2000Lossless))
    (folder / "deep.dcm").write_bytes(write_object(make_object(pixels, slab=DEEP)))
    (folder / "structural.dcm").write_bytes(write_object(make_object(pixels, slab=STRUCTURAL)))
    (folder / "lung.dcm").write_bytes(write_object(make_object(pixels, Modality="CT", slab="")))
    return folder


def read_rows(results):
    with (results / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def test_objects_get_the_grades_of_their_pictures(unoqa, clinic, objects, settled_model, tmp_path):
    pictures, both = tmp_path / "pictures", tmp_path / "objects"
    assert unoqa("grade", clinic.mixed, "-m", settled_model, "-o", pictures, "--no-heat").exit_code == 0
    ended = unoqa("grade", objects, "-m", settled_model, "-o", both, "--no-heat")
    assert ended.exit_code == 0, ended.stderr
    assert "3 out of scope, 0 failed" in ended.stderr
    of_pictures, of_objects = read_rows(pictures), read_rows(both)
    assert len(of_objects) == len(of_pictures) + 3
    for name, row in of_pictures.items():
        twin = of_objects[name.replace(".png", ".dcm")]
        assert (twin["grade"], twin["score"]) == (row["grade"], row["score"])
    codes = {name: of_objects[name]["out_of_scope"] for name in ("deep.dcm", "structural.dcm", "lung.dcm")}
    assert codes == {"deep.dcm": "other-slab", "structural.dcm": "structural", "lung.dcm": "other-modality"}
    assert "deep.dcm has the slab 'deep' by DICOM (0022,1615)" in of_objects["deep.dcm"]["error"]


@pytest.mark.parametrize("kept", [(), ("--keep-identifiers",), ("--keep-dates",)])
def test_the_record_keeps_of_a_person_what_is_asked_for(unoqa, clinic, objects, settled_model, tmp_path, kept):
    results = tmp_path / "results"
    stems = ["deep", *sorted(path.stem for path in clinic.mixed.iterdir())[:3]]
    few = [objects / f"{stem}.dcm" for stem in stems]
    assert unoqa("grade", *few, "-m", settled_model, "-o", results, "--no-heat", *kept).exit_code == 0
    with Results.open(results) as record:
        facts = [dict(record.facts_of(position).known()) for position in range(len(record))]
    assert facts[0]["slab"].value == "deep"
    assert [fact["laterality"].value for fact in facts[1:]] == ["right", "left", "right"]
    patients = [fact["patient"] for fact in facts[1:]]
    assert patients[0] == patients[1] != patients[2]
    assert (patients[0].value == "INVENTED-0") is ("--keep-identifiers" in kept)
    assert patients[0].source.endswith(", hashed") is ("--keep-identifiers" not in kept)
    assert ("acquired" in facts[1]) is ("--keep-dates" in kept)


def test_a_model_may_be_for_another_slab(unoqa, clinic, tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    for path in sorted(clinic.outstanding.iterdir()):
        made = make_object(np.asarray(Image.open(path)), slab=DEEP, PatientID=path.stem)
        (deep / f"{path.stem}.dcm").write_bytes(write_object(made))
    refused = unoqa("fit", deep, "-o", tmp_path / "model", "--recipe", "measures")
    assert refused.exit_code == 2
    assert "has the slab 'deep'" in refused.stderr
    fitted = unoqa("fit", deep, "-o", tmp_path / "model", "--recipe", "measures", "--slab", "deep", "--no-selftest")
    assert fitted.exit_code == 0, fitted.stderr
    assert "| slab | deep |" in (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_place_is_that_of_the_eye_where_the_header_says_enough(settled, clinic, tmp_path):
    pixels = np.array(Image.open(sorted(clinic.outstanding.iterdir())[0]))
    pixels[: len(pixels) // 3] //= 8
    for directions, place in ((["L", "F"], "upper"), (["L", "H"], "lower"), ("", "upper")):
        path = tmp_path / f"{place}{len(directions)}.dcm"
        path.write_bytes(write_object(make_object(pixels, PatientOrientation=directions)))
        places = {finding.place for finding in settled.grade(path).findings}
        assert place in places
