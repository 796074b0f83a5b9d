"""A file that cannot be graded costs its row and one clear sentence, and nothing else."""

import csv
import shutil

import pytest

SENTENCES = {
    "bomb.png": "too-large: bomb.png has 20000×20000 pixels, more than 64 million; export the en-face image alone, at "
    "its own size.",
    "constant.png": "constant: constant.png has one brightness everywhere; export it again.",
    "empty.png": "truncated: empty.png ends before its image does; copy or export it again.",
    "nan.tif": "not-finite: nan.tif holds NaN or infinite values; export it again.",
    "text.png": "unreadable: text.png holds no image that unoqa reads "
    "(bmp, dicom, jpeg, matlab, nifti, npy, png, tiff); open it in a viewer and export it again.",
    "tiny.png": "too-small: tiny.png has 3×3 pixels; export it with at least 64 on each side.",
    "truncated.png": "truncated: truncated.png ends before its image does; copy or export it again.",
}

every_file = pytest.mark.parametrize("name", SENTENCES)


def rows(results):
    with (results / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def test_the_list_is_whole(bad):
    assert sorted(path.name for path in bad.iterdir()) == sorted(SENTENCES)


@every_file
def test_a_bad_file_beside_a_good_one(name, unoqa, bad, clinic, settled_model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 1)
    shutil.copy(bad / name, folder)
    ended = unoqa("grade", folder, "-m", settled_model, "-o", tmp_path / "results", "--no-heat")
    assert ended.exit_code == 3
    assert [line.strip() for line in ended.stderr.splitlines() if name in line] == [f"{name}: {SENTENCES[name]}"]
    assert "Traceback" not in ended.output
    found = rows(tmp_path / "results")
    assert found.keys() == {name, "scan_0001.png"}
    assert found[name]["error"] == SENTENCES[name]
    assert found["scan_0001.png"]["grade"]


def test_no_row_is_lost_of_a_folder_of_bad_files_alone(unoqa, bad, settled_model, tmp_path):
    ended = unoqa("grade", bad, "-m", settled_model, "-o", tmp_path / "results", "--no-heat")
    assert ended.exit_code != 0
    assert {name: row["error"] for name, row in rows(tmp_path / "results").items()} == SENTENCES


def test_a_cohort_with_bad_files_has_all_its_rows(unoqa, bad, clinic, model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 16)
    shutil.copytree(bad, folder / "bad")
    ended = unoqa("grade", folder, "-m", model, "-o", tmp_path / "results", "--no-heat")
    errors = {name: row["error"] for name, row in rows(tmp_path / "results").items()}
    assert ended.exit_code == 3
    assert len(errors) == 16 + len(SENTENCES)
    assert {name for name, error in errors.items() if error} == {f"bad/{name}" for name in SENTENCES}


@every_file
def test_fitting_on_a_bad_file_alone_names_it(name, refusal, bad, tmp_path):
    sentence = refusal("fit", bad / name, "-o", tmp_path / "model", "--recipe", "measures")
    why = SENTENCES[name].split(": ", 1)[1]
    assert f"0 can be used (1 of 1 could not be read: {why})" in sentence
    assert not (tmp_path / "model").exists()


def test_fitting_with_bad_files_ends_with_status_3_and_a_model(unoqa, bad, clinic, tmp_path):
    words = ("fit", clinic.outstanding, bad, "-o", tmp_path / "model", "--recipe", "measures", "--no-selftest")
    ended = unoqa(*words)
    assert ended.exit_code == 3
    assert ended.stderr.startswith("7 images could not be read:\n  bomb.png: bomb.png has 20000×20000 pixels")
    assert (tmp_path / "model" / "checksums.json").is_file()
