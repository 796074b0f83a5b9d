"""Nothing that a file says of a person comes out again: marks are planted in every text, and all output is searched."""

from __future__ import annotations

import base64
import os
import re
import stat

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from planted import MARK, PLANTERS, find_marks, plant_two_arrays
from unoqa.core.errors import UsageError
from unoqa.formats import FORMATS
from unoqa.store.hidden_names import hide_paths, reveal_path

REQUIRED = {
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime"),
    *("StudyID", "AccessionNumber", "ReferringPhysicianName", "ReferencedSOPInstanceUID", "SeriesInstanceUID"),
}
"""Elements that tie a report to its patient and study; the standard wants them."""


@pytest.fixture(scope="session")
def planted(clinic, tmp_path_factory):
    """Return a folder with two sound scans and a damaged one of each format, all of them planted."""
    folder = tmp_path_factory.mktemp("planted")
    scans = [np.asarray(Image.open(path)) for path in sorted(clinic.mixed.iterdir())]
    for number, (kind, plant) in enumerate(PLANTERS.items()):
        for scan in (2 * number, 2 * number + 1):
            (folder / f"{scan}.{kind}").write_bytes(plant(scans[scan]))
        (folder / f"cut.{kind}").write_bytes(plant(scans[-1])[:-1000])
    (folder / "two.mat").write_bytes(plant_two_arrays(scans[-1]))
    return folder


def run_all(unoqa, images, model, base, *options):
    """Grade, report and export; return all bytes that came out, by where they are."""
    results, log = base / "results", base / "log.txt"
    said = []
    for words in (
        ("grade", images, "-m", model, "-o", results, "--findings", "all", "--log", log, *options),
        ("report", results),
        ("info", results),
        ("export", results, "-o", base / "final.csv"),
        ("export", results, "-o", base / "reports", "--as", "dicom-sr"),
    ):
        ended = unoqa(*words)
        assert ended.exit_code in (0, 3), ended.stderr
        said.append(ended.stdout + ended.stderr)
    written = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    page = written[results / "report.html"]
    parts = {f"image {n}": base64.b64decode(part) for n, part in enumerate(re.findall(rb"base64,([\w+/=]+)", page))}
    return {**written, **parts, "said": "\n".join(said).encode()}


@pytest.mark.requirement("R6")
def test_every_format_is_planted():
    assert set(PLANTERS) == set(FORMATS.names())
    for plant in PLANTERS.values():
        assert find_marks(plant(np.arange(6400, dtype=np.uint8).reshape(80, 80)))


@pytest.mark.requirement("R6")
def test_no_mark_comes_out(unoqa, planted, settled_model, tmp_path):
    found = run_all(unoqa, planted, settled_model, tmp_path)
    marked = {str(where): marks for where, data in found.items() if (marks := find_marks(data))}
    assert {where: marks for where, marks in marked.items() if not where.endswith(".dcm")} == {}
    reports = [path for path in found if str(path).endswith(".dcm")]
    assert len(reports) == 2
    for path in reports:
        assert {element.keyword for element in list_marked(dcmread(path))} <= REQUIRED


def list_marked(dataset):
    return [one for one in dataset.iterall() if one.VR != "SQ" and find_marks(str(one.value).encode())]


def test_identifiers_come_out_where_they_are_asked_for(unoqa, planted, settled_model, tmp_path):
    found = run_all(unoqa, planted, settled_model, tmp_path, "--keep-identifiers", "--keep-dates")
    marks = find_marks(found[tmp_path / "results" / "record.sqlite"])
    assert any(mark.startswith(f"{MARK}00100020") for mark in marks)
    assert any(mark.startswith("1987-03-05") for mark in marks)


@pytest.mark.requirement("R6")
def test_names_of_files_are_hashed_where_it_is_asked_for(unoqa, clinic, settled_model, tmp_path):
    images = tmp_path / "Mustermann" / "Erika"
    clinic.some(images, 3)
    for path in list(images.iterdir()):
        path.rename(path.with_name(f"Mustermann {path.name}"))
    (images / "Mustermann cut.png").write_bytes(min(images.iterdir()).read_bytes()[:5000])
    words = ("-m", settled_model, "-o", tmp_path / "results", "--log", tmp_path / "log.txt")
    ended = unoqa("grade", images, *words, "--hash-names")
    assert ended.exit_code == 3
    assert "Mustermann" not in ended.stdout + ended.stderr
    assert unoqa("report", tmp_path / "results").exit_code == 0
    written = [path for path in (*(tmp_path / "results").rglob("*"), tmp_path / "log.txt") if path.is_file()]
    assert not [path for path in written if b"Mustermann" in path.read_bytes() or "Mustermann" in path.name]
    again = unoqa("grade", images, *words, "--hash-names", "--no-heat")
    assert "Continuing at 3 of 4" in again.stderr
    assert (
        "grade with --hash-names"
        in unoqa("grade", images, "-m", settled_model, "-o", tmp_path / "plain", "--no-heat").stderr
    )


def test_what_hashed_names_stand_for_is_read_by_the_user_only_and_its_damage_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("unoqa.store.hidden_names.find_key_file", lambda: tmp_path / "site.key")
    file = tmp_path / "names.sqlite"
    (hidden,) = hide_paths(["/clinic/Mustermann.png"])
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    hide_paths(["/clinic/Musterfrau.png"])
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert reveal_path(hidden) == "/clinic/Mustermann.png"
    file.write_bytes(b"no database" * 1000)
    for act in (lambda: hide_paths(["/clinic/Mustermann.png"]), lambda: reveal_path(hidden)):
        with pytest.raises(UsageError) as caught:
            act()
        assert str(caught.value) == (
            f"{file}, which remembers hashed names, is damaged; restore it from a backup, or delete it and grade the "
            "images again."
        )


def test_names_that_are_hashed_are_known_on_this_machine_only(unoqa, clinic, settled_model, tmp_path, monkeypatch):
    images = clinic.some(tmp_path / "images", 2)
    unoqa("grade", images, "-m", settled_model, "-o", tmp_path / "results", "--hash-names")
    images.rename(tmp_path / "moved")
    moved = unoqa("report", tmp_path / "results", "--images", tmp_path / "moved")
    assert moved.exit_code == 0, moved.stderr
    monkeypatch.setattr("unoqa.store.hidden_names.find_key_file", lambda: tmp_path / "elsewhere" / "site.key")
    other = unoqa("report", tmp_path / "results", "--images", tmp_path / "moved")
    assert other.exit_code == 3
    assert "this machine does not know which file image-" in other.stderr
