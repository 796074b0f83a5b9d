"""A labelled folder: every line of its table finds its image, or an error says why not."""

from __future__ import annotations

import unicodedata
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from unoqa.benchmark.datasets.labelled_folder import HINT, LabelledFolder
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

GRADES = [2] * 8 + [1] * 7 + [0] * 5
"""Grades of the images 0.png, 1.png, … in a test's table, unless the test gives others."""


def make_png():
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


SCAN = make_png()


def write_images(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(SCAN)


def write_table(path, lines, header="image,grade"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def make_lines(grades=GRADES, more=""):
    return [f"{number}.png,{grade}{more}" for number, grade in enumerate(grades)]


def refusal(data_set, folder):
    with pytest.raises(DataSetError) as caught:
        data_set.find_studies(folder, seed=0)
    return str(caught.value)


def file_names(split):
    return [image.reference.path.name for image in split]


def number_names(grades=GRADES):
    return [f"{number}.png" for number in range(len(grades))]


@pytest.fixture
def labelled(tmp_path):
    """Return a folder of 20 images in two folders, and their table."""
    write_images(tmp_path, [f"{'one' if number % 2 else 'größe'}/{number}.png" for number in range(20)])
    write_table(tmp_path / "labels.csv", make_lines())
    return tmp_path


def test_half_of_the_outstanding_images_are_fitted_on_and_all_others_tested(labelled):
    (study,) = LabelledFolder().find_studies(labelled, seed=0)
    fitted = {image.path.name for image in study.fit}
    assert len(fitted) == 4
    assert fitted < {f"{number}.png" for number in range(8)}
    assert file_names(study.test) == [name for name in number_names() if name not in fitted]
    assert [image.grade for image in study.test] == [Grade.OUTSTANDING] * 4 + [Grade.GRADABLE] * 7 + [
        Grade.UNGRADABLE
    ] * 5
    assert (study.name, study.external, study.validation, study.notes) == ("all", (), (), ())


def test_another_seed_draws_other_images_and_the_same_seed_the_same(labelled):
    data_set = LabelledFolder()
    assert data_set.find_studies(labelled, seed=1) == data_set.find_studies(labelled, seed=1)
    assert data_set.find_studies(labelled, seed=1)[0].fit != data_set.find_studies(labelled, seed=2)[0].fit


def test_at_most_80_images_are_fitted_on(tmp_path):
    write_images(tmp_path, number_names([2] * 170 + [0] * 10))
    write_table(tmp_path / "labels.csv", make_lines([2] * 170 + [0] * 10))
    (study,) = LabelledFolder().find_studies(tmp_path, seed=0)
    assert (len(study.fit), len(study.test)) == (80, 100)


def test_paths_words_and_other_columns_are_understood(labelled):
    folders = ["größe\\", "./one/"]
    listed = [
        f"me,{folders[number % 2]}{number}.png, {Grade(grade).word.title()} " for number, grade in enumerate(GRADES)
    ]
    write_table(labelled / "labels.csv", listed, "reader,image,grade")
    write_table(labelled / "other.csv", ["1"], "patient")
    assert len(LabelledFolder().find_studies(labelled, seed=0)[0].test) == 16


def test_splits_are_kept(tmp_path):
    splits = ["fit"] * 5 + ["test"] * 2 + ["external"] + ["fit"] + ["test"] * 10 + ["validation"]
    write_images(tmp_path, number_names())
    write_table(
        tmp_path / "labels.csv",
        [f"{line},{split}" for line, split in zip(make_lines(), splits, strict=True)],
        "image,grade,split",
    )
    (study,) = LabelledFolder().find_studies(tmp_path, seed=0)
    assert [image.path.name for image in study.fit] == number_names()[:5]
    assert file_names(study.test) == ["5.png", "6.png", *number_names()[9:19]]
    assert (file_names(study.external), file_names(study.validation)) == (["7.png"], ["19.png"])
    assert study.notes == ("Left out: 1 image of the split fit, not outstanding.",)


def test_each_device_is_a_study_the_larger_first(tmp_path):
    small, large = [2] * 4 + [0] * 10, [2] * 4 + [1] * 12
    devices = [f"{number}.png,{grade},small" for number, grade in enumerate(small)]
    devices += [f"{number + 14}.png,{grade},large" for number, grade in enumerate(large)]
    write_images(tmp_path, number_names(small + large))
    write_table(tmp_path / "labels.csv", devices, "image,grade,device")
    found = LabelledFolder().find_studies(tmp_path, seed=0)
    assert [(study.name, len(study.fit), len(study.test)) for study in found] == [("large", 2, 14), ("small", 2, 12)]


def test_images_without_a_label_are_counted(labelled):
    write_images(labelled, ["one/more.png", "one/even more.png"])
    assert LabelledFolder().find_studies(labelled, seed=0)[0].notes == ("Left out: 2 images without a label.",)


@pytest.mark.parametrize(
    ("line", "header", "message"),
    [
        ("0.png,3", "image,grade", "has grade '3'; use 0, 1, 2 or ungradable, gradable, outstanding."),
        (",1", "image,grade", "has the grade '1' and no image; name it, or delete the line."),
        ("0.png,1", "image,grade", "lists 0.png again, with a different label; keep one line."),
        ("größe/0.png,1", "image,grade", "lists größe/0.png again, with a different label; keep one line."),
        ("0.png,2,", "image,grade,device", "has no device; name it on every line."),
        ("0.png,2,", "image,grade,split", "has no split; name it on every line."),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_by_its_number(line, header, message, labelled):
    more = ",test" if header.count(",") == 2 else ""
    path = write_table(labelled / "labels.csv", [*make_lines(more=more), line], header)
    assert refusal(LabelledFolder(), labelled) == f"Line 22 of {path} {message}"


def test_an_unknown_split_is_refused_by_its_line(labelled):
    path = write_table(labelled / "labels.csv", make_lines(more=",train"), "image,grade,split")
    assert refusal(LabelledFolder(), labelled) == (
        f"Line 2 of {path} has split 'train'; use fit, test, external, validation."
    )


def test_the_same_line_twice_is_no_contradiction(labelled):
    write_table(labelled / "labels.csv", [*make_lines(), "größe/0.png,2"])
    assert len(LabelledFolder().find_studies(labelled, seed=0)[0].test) == 16


def test_listed_images_that_are_missing_are_refused(labelled):
    path = write_table(labelled / "labels.csv", [*make_lines(), "two/0.png,2", "20.png,1"])
    assert refusal(LabelledFolder(), labelled) == (
        f"Line 22 of {path} lists two/0.png, which is not below {labelled}; 2 of 22 listed images are missing: copy "
        "them there, or delete their lines."
    )


def test_a_name_of_two_images_is_refused(labelled):
    write_images(labelled, ["one/0.png"])
    assert refusal(LabelledFolder(), labelled) == (
        f"Line 2 of {labelled / 'labels.csv'} lists 0.png, the name of 2 images below {labelled}; write its path."
    )


def test_no_table_and_two_tables_are_refused_by_name(labelled):
    write_table(labelled / "again.CSV", make_lines())
    assert refusal(LabelledFolder(), labelled) == (
        f"{labelled} holds 2 CSVs with columns image,grade (again.CSV, labels.csv); keep one of them."
    )
    (labelled / "again.CSV").unlink()
    write_table(labelled / "labels.csv", ["0.png;1"], "image;level")
    assert refusal(LabelledFolder(), labelled) == (
        f"{labelled} holds no CSV with columns image,grade (found: labels.csv); {HINT}"
    )
    (labelled / "labels.csv").unlink()
    assert refusal(LabelledFolder(), labelled) == (
        f"{labelled} holds no CSV with columns image,grade (found: no CSV); {HINT}"
    )


def test_a_table_without_lines_or_grades_is_refused(labelled):
    path = write_table(labelled / "labels.csv", [])
    assert refusal(LabelledFolder(), labelled) == f"{path} lists no image; give a CSV with columns image,grade."
    write_table(path, ["0.png,"])
    assert refusal(LabelledFolder(), labelled) == f"{path} grades no image; give a CSV with columns image,grade."


def test_lines_without_a_grade_are_left_out_and_counted(labelled):
    write_table(labelled / "labels.csv", [*make_lines()[:-1], "19.png,"])
    (study,) = LabelledFolder().find_studies(labelled, seed=0)
    assert len(study.fit) + len(study.test) == 19
    assert study.notes == ("Left out: 1 image without a label.", "1 row without a grade was left out.")


@pytest.mark.parametrize(
    ("name", "encoding", "separator", "header"),
    [
        ("labels.csv", "utf-8-sig", ";", "Image;Grade"),
        ("labels.txt", "utf-16", "\t", "IMAGE\tgrade "),
        ("Labels.TSV", "utf-8", "\t", "image\tgrade"),
    ],
)
def test_a_table_is_found_as_spreadsheet_programs_save_it(name, encoding, separator, header, labelled):
    expected = LabelledFolder().find_studies(labelled, seed=0)
    (labelled / "labels.csv").unlink()
    lines = [f"{line.replace(',', separator)},0" for line in make_lines()]
    (labelled / name).write_text("\n".join([header, *lines]), encoding=encoding)
    assert LabelledFolder().find_studies(labelled, seed=0) == expected


def test_a_table_that_is_no_utf_8_is_refused_by_its_line_and_not_overlooked(labelled):
    path = labelled / "labels.csv"
    path.write_bytes("image,grade\n0.png,2\ngröße/0.png,2\n".encode("cp1252"))
    assert refusal(LabelledFolder(), labelled) == (
        f"Line 3 of {path} is not text in UTF-8; open it and save it as 'CSV UTF-8 (comma delimited)'."
    )


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_images_are_found_in_another_unicode_form_or_case(form, tmp_path):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    write_images(tmp_path, [unicodedata.normalize(form, f"Größe/é{number}.PNG") for number in range(20)])
    names = [unicodedata.normalize(other, f"größe/é{number}.png") for number in range(20)]
    write_table(tmp_path / "labels.csv", [f"{name},{grade}" for name, grade in zip(names, GRADES, strict=True)])
    (study,) = LabelledFolder().find_studies(tmp_path, seed=0)
    assert (len(study.fit), len(study.test), study.notes) == (4, 16, ())


def test_a_name_of_two_images_in_other_cases_is_refused(tmp_path):
    write_images(tmp_path, ["a.png", "A.png"])
    if len([*tmp_path.iterdir()]) < 2:
        pytest.skip("this file system takes a.png and A.png for one file")
    path = write_table(tmp_path / "labels.csv", ["a.PNG,2"])
    assert refusal(LabelledFolder(), tmp_path) == (
        f"Line 2 of {path} lists a.PNG, the name of 2 images below {tmp_path}; write it exactly, or rename one of them."
    )


def test_too_few_images_are_refused_with_the_number_needed(tmp_path):
    write_images(tmp_path, number_names())
    path = tmp_path / "labels.csv"
    write_table(path, make_lines([2] + [0] * 19))
    assert refusal(LabelledFolder(), tmp_path) == (
        "labelled-folder, study all: 1 of 20 images are outstanding; at least 2 are needed, because half of "
        "them are fitted on."
    )
    write_table(path, make_lines([2] * 11 + [0] * 9))
    assert refusal(LabelledFolder(), tmp_path) == (
        "labelled-folder, study all: 9 of 15 test images are not outstanding; at least 10 are needed."
    )
    write_table(path, make_lines(more=",test"), "image,grade,split")
    assert refusal(LabelledFolder(), tmp_path) == (
        "labelled-folder, study all: no image to fit on is outstanding; at least 1 is needed."
    )
