"""A model folder brings back the grader that was saved, whole, or says what is wrong with it."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import unoqa
from unoqa import Grader, SettledGrader
from unoqa.core.errors import ModelError, ResultsError
from unoqa.grader.settling import read_settling

FILES = ("model.toml", "arrays.safetensors", "MODEL_CARD.md", "checksums.json")


@pytest.fixture
def copy(settled_model, tmp_path):
    return shutil.copytree(settled_model, tmp_path / "copy")


@pytest.fixture(scope="module")
def cohort(clinic):
    return clinic.images()[:16]


def refusal(folder):
    with pytest.raises(ModelError) as error:
        unoqa.load(folder)
    return str(error.value)


def test_a_loaded_grader_grades_a_cohort_identically(grader, model, cohort):
    again = unoqa.load(model)
    assert isinstance(again, Grader)
    assert again.grade_cohort(cohort) == grader.grade_cohort(cohort)


def test_a_loaded_settled_grader_grades_identically(settled, settled_model, cohort):
    again = unoqa.load(settled_model)
    assert isinstance(again, SettledGrader)
    assert again.grade_all(cohort) == settled.grade_all(cohort)
    assert again.cohort == settled.cohort == 40


def test_a_loaded_settled_grader_knows_its_cohort(settled, settled_model):
    again = unoqa.load(settled_model).statistics
    assert again.names == settled.statistics.names
    np.testing.assert_array_equal(again.values, settled.statistics.values)
    assert len(again) == settled.cohort
    settling = read_settling(settled_model)
    assert settling.is_settled
    assert settling.threshold == settled.grader.threshold.value
    np.testing.assert_array_equal(settling.statistics.values, again.values)


def test_a_model_that_an_earlier_version_settled_keeps_no_cohort(settled, tmp_path):
    SettledGrader(settled.grader, settled.frozen_split, settled.cohort).save(tmp_path / "old")
    assert unoqa.load(tmp_path / "old").statistics is None
    assert read_settling(tmp_path / "old").statistics is None


def test_a_loaded_grader_draws_the_same_heat(grader, model, cohort):
    image = cohort[0]
    assert np.array_equal(unoqa.load(model).assess(image)[1](), grader.assess(image)[1]())


def test_a_loaded_grader_settles_to_the_same_model(model, settled_model, clinic, tmp_path):
    unoqa.load(model).settle(clinic.mixed).save(tmp_path / "again")
    assert all((tmp_path / "again" / name).read_bytes() == (settled_model / name).read_bytes() for name in FILES)


def test_another_process_grades_identically(settled, settled_model, clinic, tmp_path):
    folder = clinic.some(tmp_path, 16)
    program = "import sys, unoqa; print(*unoqa.load(sys.argv[1]).grade_all(sys.argv[2]).gradings, sep='\\n')"
    command = [sys.executable, "-c", program, str(settled_model), str(folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed == [str(grading) for grading in settled.grade_all(folder).gradings]


def test_saving_again_replaces_the_model(grader, settled_model, copy, model):
    grader.save(copy)
    assert (copy / "checksums.json").read_bytes() == (model / "checksums.json").read_bytes()
    assert isinstance(unoqa.load(copy), Grader)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_anywhere_is_refused_by_name(name, copy):
    path = copy / name
    sound = path.read_bytes()
    first = sound.index(b"\n") + 1 if name == "model.toml" else 0  # its first line is the version
    for place in np.random.default_rng(0).integers(first, len(sound), 12):
        damaged = bytearray(sound)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert name in refusal(copy)
    path.write_bytes(sound)
    unoqa.load(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_refused_by_name(name, copy):
    (copy / name).write_bytes((copy / name).read_bytes()[:-20])
    assert name in refusal(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name, copy):
    (copy / name).unlink()
    assert name in refusal(copy)


def test_a_model_of_another_version(copy):
    text = (copy / "model.toml").read_text(encoding="utf-8")
    (copy / "model.toml").write_text(text.replace("format = 4", "format = 1"), encoding="utf-8")
    assert refusal(copy) == (
        f"The model {copy} has format 1, of unoqa {unoqa.__version__}, but this version reads 4; "
        f"fit it again, and settle it: `unoqa fit OUTSTANDING -o {copy} --overwrite --recipe measures`."
    )


def test_a_model_that_lacks_a_fact(copy):
    text = (copy / "model.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("threshold = ")]
    (copy / "model.toml").write_text("\n".join(lines), encoding="utf-8")
    sums = json.loads((copy / "checksums.json").read_text(encoding="utf-8"))
    sums["model.toml"] = hashlib.sha256((copy / "model.toml").read_bytes()).hexdigest()
    (copy / "checksums.json").write_text(json.dumps(sums), encoding="utf-8")
    assert refusal(copy) == (f"The model {copy} is not as unoqa writes it (KeyError: 'threshold'); fit it again.")


def test_a_missing_model(tmp_path):
    assert refusal(tmp_path / "none") == (
        f"There is no model folder {tmp_path / 'none'}; check the path, or fit a model with `unoqa fit` first."
    )


def test_a_folder_that_is_no_model(clinic):
    assert refusal(clinic.mixed) == (
        f"{clinic.mixed} is not a complete model (it has no checksums.json); name a folder that `unoqa fit` wrote."
    )


def test_a_model_is_not_saved_over_something_else(grader, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(ResultsError) as error:
        grader.save(tmp_path)
    assert str(error.value) == f"{tmp_path} holds something that is not a model; name a new folder."
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_model_is_not_saved_over_a_file(grader, tmp_path):
    (tmp_path / "model").write_text("years of work")
    with pytest.raises(ResultsError, match=r"is a file; name a folder for the model\.$"):
        grader.save(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "years of work"


def test_a_model_folder_holds_no_code_and_a_card(settled_model):
    assert sorted(path.name for path in settled_model.iterdir()) == sorted(FILES)
    card = (settled_model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "For research use. Not a medical device" in card
    assert "fitted on | 30 images" in card
    assert "kmeans, frozen on 40 images" in card
