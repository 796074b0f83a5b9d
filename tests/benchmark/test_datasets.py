"""The contract of every data set, the data sets with few rules, and the quick look."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unoqa.benchmark.datasets import DATASETS, DataSet, LabelledImage, Study, subsample_study
from unoqa.benchmark.datasets.drac2022 import HINT as DRAC_HINT
from unoqa.benchmark.datasets.drac2022 import LAYOUT, Drac2022
from unoqa.benchmark.datasets.phantom import HINT as PHANTOM_HINT
from unoqa.benchmark.datasets.phantom import Phantom
from unoqa.benchmark.datasets.reference_set import HINT as REFERENCE_HINT
from unoqa.benchmark.datasets.reference_set import ReferenceSet
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.formats import ImageReference

SHARED = Path(__file__).parents[3] / "shared"

REPRODUCTION = Path(__file__).parents[2] / "docs" / "reproduction.md"

TASK = "B. Image Quality Assessment"
TRAINING = f"{TASK}/1. Original Images/a. Training Set"
LABELS = f"{TASK}/2. Groundtruths/a. DRAC2022_ Image Quality Assessment_Training Labels.csv"
"""The names that grand-challenge.org uses: the blank after `DRAC2022_` is theirs."""

LEVELS = [2] * 8 + [1] * 7 + [0] * 5
"""Levels of the images 0.png, 1.png, …"""


def make_png():
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


SCAN = make_png()


def fill(folder, count=20):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(SCAN)


def write_table(path, header, levels=LEVELS, more=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{number}.png,{level}{more}" for number, level in enumerate(levels)]
    path.write_text("\r\n".join([header, *rows]) + "\r\n", encoding="utf-8", newline="")


def refusal(data_set, folder):
    with pytest.raises(DataSetError) as caught:
        data_set.find_studies(folder, seed=0)
    return str(caught.value)


def count_grades(split):
    return [Counter(image.grade for image in split)[grade] for grade in Grade]


@pytest.fixture
def challenge(tmp_path):
    """Return DRAC 2022 in its published layout, with another task, and the testing set beside it."""
    folder = tmp_path / "桌面 data" / "DRAC2022"
    fill(folder / TRAINING)
    write_table(folder / LABELS, "image name,image quality level")
    fill(folder / "C. Diabetic Retinopathy Grading" / "1. Original Images" / "a. Training Set")
    write_table(
        folder / "C. Diabetic Retinopathy Grading" / "2. Groundtruths" / "a. DRAC2022_ C.csv", "image name,DR grade"
    )
    fill(folder.parent / "DRAC2022_Testing_Set" / TASK / "1. Original Images" / "b. Testing Set", 3)
    return folder


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_choice_is_a_final_data_set(name):
    choice = DATASETS.load(name)
    assert issubclass(choice, DataSet)
    assert choice.__final__
    assert choice() == choice()


def test_every_data_set_is_named_in_the_docs():
    section = REPRODUCTION.read_text(encoding="utf-8").split("| `--dataset` |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE)) == sorted(
        name.replace("_", "-") for name in DATASETS.names()
    )


@pytest.mark.parametrize("name", [name for name in DATASETS.names() if name != "phantom"])
def test_a_missing_folder_is_refused_with_the_expected_layout(name, tmp_path):
    message = refusal(DATASETS.load(name)(), tmp_path / "no")
    assert message.startswith(str(tmp_path / "no"))
    assert f" does not exist; {name.replace('_', '-')} " in message


@pytest.mark.parametrize("below", ["", "DRAC2022", f"DRAC2022/{TASK}"])
def test_drac_is_found_from_above_and_below(below, challenge):
    (study,) = Drac2022().find_studies(challenge.parent / below, seed=0)
    assert (study.name, len(study.fit), count_grades(study.test)) == ("uw-octa", 4, [5, 7, 4])
    assert {image.path.parent for image in study.fit} == {challenge / TRAINING}
    assert study.notes == ("20 images have labels; published: 665.",)


@pytest.mark.parametrize("images", ["Training Set", "a. Training Set", "1. Original Images/a. Training Set"])
@pytest.mark.parametrize("labels", ["labels.csv", "2. Groundtruths/labels.csv", "Groundtruths/labels.csv"])
def test_drac_is_found_if_a_team_has_flattened_it(images, labels, tmp_path):
    fill(tmp_path / images, len(LEVELS) + 1)
    write_table(tmp_path / labels, "image name,image quality level")
    (study,) = Drac2022().find_studies(tmp_path, seed=0)
    assert (len(study.fit), len(study.test)) == (4, 16)
    assert study.notes[1] == "Left out: 1 image without a label."


def test_drac_without_its_parts_is_refused(challenge):
    (challenge / TRAINING / "3.png").unlink()
    assert refusal(Drac2022(), challenge) == (
        f"Line 5 of {challenge / LABELS} lists 3.png, which is not below {challenge / TASK}; 1 of 20 listed images are "
        "missing: copy them there, or delete their lines."
    )
    (challenge / TRAINING).rename(challenge / TASK / "images")
    assert refusal(Drac2022(), challenge) == (
        f"drac2022: no folder 'Training Set' with images lies below {challenge / TASK}; expected: {LAYOUT}."
    )
    write_table(challenge / LABELS, "image,grade")
    assert refusal(Drac2022(), challenge) == (
        f"drac2022: no CSV below {challenge} has exactly the columns image name,image quality level; "
        f"expected: {LAYOUT}."
    )


def test_drac_with_two_tables_or_another_level_is_refused(challenge):
    again = challenge / "z copy.csv"
    write_table(again, "image name,image quality level")
    assert refusal(Drac2022(), challenge) == (
        f"drac2022: {challenge / LABELS} and {again} have the columns image name,image quality level; keep one of them."
    )
    again.unlink()
    write_table(challenge / LABELS, "image name,image quality level", [2, 3])
    assert refusal(Drac2022(), challenge) == (
        f"Line 3 of {challenge / LABELS} has grade '3'; use 0, 1, 2 or ungradable, gradable, outstanding."
    )


def test_drac_says_where_to_find_it(tmp_path):
    assert refusal(Drac2022(), tmp_path / "no") == f"{tmp_path / 'no'} does not exist; {DRAC_HINT}"
    assert DRAC_HINT == (
        "drac2022 is available after registration at https://drac22.grand-challenge.org; unpack it, and give the "
        "folder that holds 'B. Image Quality Assessment/1. Original Images/a. Training Set/*.png' and 'B. Image "
        "Quality Assessment/2. Groundtruths/a. DRAC2022_ Image Quality Assessment_Training Labels.csv'."
    )


def test_the_reference_set_leaves_20_outstanding_images_of_a_new_device(tmp_path):
    fill(tmp_path / "images", 40)
    write_table(tmp_path / "grades.csv", "image,grade,device", [2] * 25 + [0] * 15, ",new")
    (study,) = ReferenceSet().find_studies(tmp_path, seed=0)
    assert (study.name, len(study.fit), count_grades(study.test)) == ("new", 5, [15, 0, 20])


def test_a_reference_set_without_its_parts_is_refused(tmp_path):
    path = tmp_path / "grades.csv"
    assert refusal(ReferenceSet(), tmp_path) == f"{tmp_path / 'images'} does not exist; {REFERENCE_HINT}"
    fill(tmp_path / "images")
    assert refusal(ReferenceSet(), tmp_path) == f"There is no {path}; give a CSV with columns image,grade,device."
    write_table(path, "image,grade")
    assert (
        refusal(ReferenceSet(), tmp_path) == f"{path} has no column device; give a CSV with columns image,grade,device."
    )
    write_table(path, "image,grade,device", more=",rossa")
    assert refusal(ReferenceSet(), tmp_path) == (
        "reference-set, study rossa: 8 of 20 images are outstanding; at least 81 are needed."
    )


def test_real_images_are_split_as_the_page_on_accuracy_says():
    folder = SHARED / "octa"
    if not folder.exists():
        missing = f"{folder} is not on this machine; it is lent for tests and not part of the project"
        pytest.fail(missing) if os.environ.get("UNOQA_REQUIRE_SHARED") == "1" else pytest.skip(missing)
    rossa, other = ReferenceSet().find_studies(folder, seed=3)
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["device"] == "rossa"]
    outstanding = np.array([place for place, row in enumerate(rows) if row["grade"] == "2"])
    drawn = np.random.default_rng(3).permutation(outstanding)[:80]
    assert [image.path.name for image in rossa.fit] == [rows[place]["image"] for place in drawn]
    assert (count_grades(rossa.test), len(other.fit), count_grades(other.test)) == ([159, 423, 39], 60, [9, 80, 31])


def test_a_phantom_is_drawn_into_a_new_folder_and_found_again(tmp_path):
    data_set = Phantom(outstanding=2, clinic=(1, 6, 4), size=64)
    (study,) = data_set.find_studies(tmp_path / "new", seed=3)
    assert (len(study.fit), count_grades(study.test)) == (2, [4, 6, 1])
    assert study.notes == (f"13 scans were drawn into {tmp_path / 'new'} with seed 3.",)
    (again,) = data_set.find_studies(tmp_path / "new", seed=4)
    assert (again.fit, again.test, again.notes) == (study.fit, study.test, ())


def test_a_folder_of_something_else_is_not_drawn_into(tmp_path):
    fill(tmp_path / "clinic", 1)
    assert refusal(Phantom(), tmp_path) == f"{tmp_path} has no outstanding, labels.csv; {PHANTOM_HINT}"
    assert [path.name for path in tmp_path.iterdir()] == ["clinic"]


def make_study(fit, test, external=(0, 0, 0)):
    """Return a study whose splits have these counts of ungradable, gradable and outstanding images, mixed."""

    def images(word, counts):
        grades = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], counts))
        return tuple(
            LabelledImage(ImageReference(f"{word}{place}", Path(f"{word}{place}.png"), 0), Grade(int(grade)))
            for place, grade in enumerate(grades)
        )

    outstanding = tuple(image.reference for image in images("fit", (0, 0, fit)))
    return Study("3x3", outstanding, images("test", test), images("external", external), notes=("A.",))


def test_a_quick_look_keeps_the_mix_of_grades():
    quick = subsample_study(make_study(961, (1374, 1179, 412), (100, 100, 100)), 140, seed=0)
    assert (len(quick.fit), count_grades(quick.test), count_grades(quick.external)) == (32, [45, 39, 14], [3, 3, 3])
    assert quick.notes == ("A.", "Quick look: 32 of 961 images to fit on, 98 of 2965 test images.")


def test_a_quick_look_keeps_enough_to_fit_and_every_grade_there_is():
    quick = subsample_study(make_study(60, (9, 80, 31)), 40, seed=0)
    assert (len(quick.fit), count_grades(quick.test), quick.external) == (24, [1, 11, 4], ())
    assert count_grades(subsample_study(make_study(60, (9, 80, 0)), 1, seed=0).test) == [1, 1, 0]


def test_a_quick_look_is_the_same_for_a_seed_and_in_the_order_of_the_study():
    study = make_study(60, (9, 80, 31))
    quick = subsample_study(study, 70, seed=1)
    assert quick == subsample_study(study, 70, seed=1) != subsample_study(study, 70, seed=2)
    assert [image for image in study.test if image in quick.test] == list(quick.test)
    assert [image for image in study.fit if image in quick.fit] == list(quick.fit)


def test_a_quick_look_at_few_images_is_the_study_itself():
    study = make_study(20, (10, 10, 10))
    assert subsample_study(study, 50, seed=0) is study
