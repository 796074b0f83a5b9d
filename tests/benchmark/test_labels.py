"""Label files are read as people write them, and labels are joined to images without guessing."""

from __future__ import annotations

import unicodedata

import pytest

from unoqa.benchmark.labels import GradedRow, Labels, join_labels, read_grades, read_labels
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade

U, G, O = Grade.UNGRADABLE, Grade.GRADABLE, Grade.OUTSTANDING  # noqa: E741 - the letters of the grades


def join(images, labels):
    """Return the grade of each image that has a label."""
    return {image: labels[name] for image, name in join_labels(images, labels).items()}


def message(act, *arguments):
    with pytest.raises(ResultsError) as caught:
        act(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "image,grade\na.png,0\nb.png,1\nc.png,2\n",
        "image,grade\na.png,ungradable\nb.png,gradable\nc.png,outstanding\n",
        "image,grade\r\na.png, Ungradable\r\nb.png,GRADABLE \r\nc.png,2\r\n",
        "grade,reader,image\n0,x,a.png\n1,,b.png\n2,y,c.png",
        'image,grade\n"a.png","0"\n./b.png,1\n\n,\nc.png,2\nc.png,outstanding\n',
        "image;grade\na.png;0,0\nb.png;1,00\nc.png;2,0\n",
        "image\tgrade\na.png\t0\nb.png\t1.0\nc.png\t2.0\n",
        'Image , GRADE\na.png,0.0\nb.png,"1,0"\nc.png,2.0\n',
        "\nimage,grade,,\na.png,0,,\nb.png,1,see the disc,\nc.png,2,,\n",
        "image,grade,note,note\na.png,0,x,y\nb.png,1,,\nc.png,2,,\n",
    ],
    ids=["numbers", "words", "windows", "columns", "loose", "decimal commas", "tabs", "header", "blanks", "notes"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_labels_are_read_as_people_write_them(content, encoding, label_file):
    assert read_labels(label_file(content, encoding)) == Labels({"a.png": U, "b.png": G, "c.png": O})


def test_paths_of_windows_and_names_like_formulas_are_understood(label_file):
    labels = read_labels(label_file("image,grade\nclinic\\a.png,0\n'=b.png,1\n"))
    assert labels.grades == {"clinic/a.png": U, "=b.png": G}


def test_rows_without_a_grade_are_left_out_and_counted(label_file):
    content = "image,grade,reader\na.png,,x\nb.png,1,\nc.png, ,\nd.png\n"
    assert read_labels(label_file(content)) == Labels({"b.png": G}, rows_without_grade=3)


@pytest.mark.parametrize("content", ["image,grade\n", "image,grade\na.png,\n"])
def test_a_label_file_without_any_grade_is_refused(content, label_file):
    path = label_file(content)
    assert message(read_labels, path) == (f"{path} grades no image; write a grade beside the names of some images.")


@pytest.mark.parametrize("grade", ["3", "-1", "good", "0.5", "2.01", "20", "gradable.0", "True", "NA"])
def test_an_unknown_grade_is_refused_with_its_line(grade, label_file):
    path = label_file(f"image,grade\na.png,1\nb.png,{grade}\n")
    assert message(read_labels, path) == (
        f"Line 3 of {path} has grade '{grade}'; use 0, 1, 2 or ungradable, gradable, outstanding."
    )


def test_a_second_different_grade_is_refused_with_its_line(label_file):
    path = label_file("image,grade\na.png,1\nb.png,0\na.png,0\n")
    assert message(read_labels, path) == (f"Line 4 of {path} gives a.png a second, different grade; keep one line.")


def test_the_line_number_is_the_one_an_editor_shows(label_file):
    path = label_file("image,grade\na.png,1\n\n,\nb.png,bad\n")
    assert message(read_labels, path).startswith(f"Line 5 of {path} has grade 'bad'; ")


@pytest.mark.parametrize("content", ["", "\n", "name;grade\na.png;1\n", "name,grade\na.png,1\n", '"image,grade"\n'])
def test_a_missing_column_is_named(content, label_file):
    path = label_file(content)
    assert message(read_labels, path).startswith(f"{path} has no column image")
    assert message(read_labels, path).endswith("; give a CSV with columns image,grade.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "image,grade,Grade\na.png,1,0\n",
            "{} has 2 columns named 'grade'; rename or delete all but one.",
        ),
        (
            "image,grade, Image\na.png,1,0\n",
            "{} has 2 columns named 'image'; rename or delete all but one.",
        ),
        (
            "image,grade\na.png,2\nb.png,1,0\n",
            "Line 3 of {} has 3 cells below a header of 2; separate its cells by a comma, and put quotation marks "
            "around a cell that contains one.",
        ),
        (
            "image;grade\na.png;2\nb.png,1\n",
            "Line 3 of {} has 1 cell below a header of 2; separate its cells by a semicolon, and put quotation marks "
            "around a cell that contains one.",
        ),
        (
            "image,grade\n,2\n",
            "Line 2 of {} has the grade '2' and no image; name it, or delete the line.",
        ),
        (
            'image,grade\na.png,2\n"b.png,1\nc.png,0\n',
            'Line 3 of {} is not plain CSV (unexpected end of data); correct its quotation marks (").',
        ),
        (
            'image,grade\n"a,png"x,2\n',
            "Line 2 of {} is not plain CSV (',' expected after '\"'); correct its quotation marks (\").",
        ),
    ],
    ids=["equal columns", "another case", "a comma too many", "another separator", "no image", "open", "quoted"],
)
def test_what_is_not_plain_is_refused_with_its_place(content, sentence, label_file):
    path = label_file(content)
    assert message(read_labels, path) == sentence.format(path)


def test_the_line_of_a_row_is_its_first(label_file):
    path = label_file('image,grade,note\na.png,1,"two\nlines"\nb.png,bad,"two\nlines"\n')
    assert message(read_labels, path).startswith(f"Line 4 of {path} has grade 'bad'; ")


def test_a_file_that_is_not_there_or_no_file_is_named(tmp_path):
    assert message(read_labels, tmp_path / "no.csv") == (
        f"There is no {tmp_path / 'no.csv'}; give a CSV with columns image,grade."
    )
    assert message(read_labels, tmp_path).startswith(f"{tmp_path} cannot be read (")


@pytest.mark.parametrize(
    ("content", "line", "encoding"),
    [
        ("image,grade\na.png,1\ngröße.png,2\n".encode("cp1252"), 3, "UTF-8"),
        (b"\xff\xfeimage", 1, "UTF-16"),
        ("image,grade\n".encode("utf-16-le"), 1, "UTF-8"),
        (b"image,grade\na.png,\x00\n", 2, "UTF-8"),
    ],
    ids=["Windows", "cut UTF-16", "UTF-16 without its mark", "zero"],
)
def test_what_is_no_text_is_refused_with_its_line(content, line, encoding, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    assert message(read_labels, path) == (
        f"Line {line} of {path} is not text in {encoding}; open it and save it as 'CSV UTF-8 (comma delimited)'."
    )


def test_an_images_own_path_comes_before_its_name():
    labels = {"one/a.png": U, "two/a.png": O, "b.png": G}
    assert join(["one/a.png", "two/a.png", "clinic/b.png"], labels) == {
        "one/a.png": U,
        "two/a.png": O,
        "clinic/b.png": G,
    }


def test_an_image_of_the_same_file_name_as_one_labelled_by_its_path_has_no_label():
    assert join(["OD/a.png", "OS/a.png"], {"OD/a.png": U}) == {"OD/a.png": U}


@pytest.mark.parametrize("name", ["a\\b.png", "./a.png", "caf\\udce9.png", " a.png "])
def test_an_unusual_name_is_joined_as_the_label_file_is_read(name, label_file):
    assert join([name], read_labels(label_file(f"image,grade\n{name},1\n")).grades) == {name: G}


def test_once_one_path_matches_a_label_with_another_path_means_another_image():
    assert join(["OS/a.png", "OS/b.png", "OS/c.png"], {"OD/a.png": U, "OS/b.png": G, "c.png": O}) == {
        "OS/b.png": G,
        "OS/c.png": O,
    }


def test_a_unique_file_name_is_enough_and_an_image_without_label_is_left_out():
    assert join(["a.png", "c.png"], {"elsewhere/a.png": G, "b.png": U}) == {"a.png": G}


@pytest.mark.parametrize(
    ("images", "labels", "counts"),
    [
        (["x/a.png", "y/a.png"], {"a.png": U}, "2 images and 1 labels"),
        (["a.png"], {"x/a.png": U, "y/a.png": G}, "1 images and 2 labels"),
    ],
)
def test_a_file_name_shared_by_several_images_or_labels_is_refused(images, labels, counts):
    assert message(join_labels, images, labels) == (
        f"The name a.png stands for {counts}; write the images' relative paths into the label file."
    )


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("Größe/é.png", unicodedata.normalize("NFD", "Größe/é.png")),
        (unicodedata.normalize("NFD", "größe/é.png"), "größe/é.png"),
        (unicodedata.normalize("NFD", "é.png"), "É.PNG"),
        ("IMG_1.PNG", "img_1.png"),
        ("OD/img_1.png", "od/IMG_1.png"),
        ("OD/img_1.png", "IMG_1.PNG"),
    ],
)
def test_names_that_differ_in_unicode_form_or_case_only_are_joined(image, label, label_file):
    labels = read_labels(label_file(f"image,grade\n{label},2\nz.png,0\n")).grades
    assert join([image, "other.png"], labels) == {image: O}


def test_the_very_name_comes_before_one_in_another_case():
    assert join(["a.png", "A.png"], {"A.png": U}) == {"A.png": U}
    assert join(["a.png", "A.png"], {"A.png": U, "a.png": O}) == {"A.png": U, "a.png": O}
    assert join(["x/a.png", "x/A.png"], {"a.png": O}) == {"x/a.png": O}


@pytest.mark.parametrize(
    ("images", "labels", "name", "counts"),
    [
        (["a.png", "A.png"], {"a.PNG": U}, "a.png", "2 images and 1 labels"),
        (["a.PNG"], {"a.png": U, "A.png": G}, "a.png", "1 images and 2 labels"),
        (["é.png", unicodedata.normalize("NFD", "é.png")], {"é.png": U}, "é.png", "2 images and 1 labels"),
    ],
)
def test_names_of_two_images_that_would_become_one_are_refused(images, labels, name, counts):
    assert message(join_labels, images, labels) == (
        f"The name {name} stands for {counts}; write the images' names exactly, or rename one."
    )


def test_two_forms_of_one_name_with_different_grades_are_refused(label_file):
    path = label_file(f"image,grade\né.png,1\n{unicodedata.normalize('NFD', 'é.png')},0\n")
    assert message(read_labels, path) == f"Line 3 of {path} gives é.png a second, different grade; keep one line."


def test_labels_of_other_images_are_refused():
    assert message(join_labels, ["a.png"], {"b.png": U}) == (
        "No label matches an image of the results; check the label file's column 'image': it names 'b.png', and "
        "the images are 'a.png'."
    )


def test_the_rows_of_a_run_are_read_back(tmp_path):
    (tmp_path / "grades.csv").write_text(
        "image,grade,score\ngröße/a.png,outstanding,-0.25\n'=b.png,ungradable,3.5\nc.tif,,\n", encoding="utf-8"
    )
    assert read_grades(tmp_path) == (
        GradedRow("größe/a.png", O, -0.25),
        GradedRow("=b.png", U, 3.5),
        GradedRow("c.tif", None, None),
    )


def test_a_folder_without_results_is_named(tmp_path):
    assert message(read_grades, tmp_path) == (
        f"There is no {tmp_path / 'grades.csv'}; give a results folder of `unoqa grade`."
    )


@pytest.mark.parametrize("score", ["bad", "1.0x", "nan", "inf", ""])
def test_a_score_that_is_not_a_finite_number_is_refused(score, tmp_path):
    (tmp_path / "grades.csv").write_text(f"image,grade,score\na.png,outstanding,{score}\n", encoding="utf-8")
    assert message(read_grades, tmp_path) == (
        f"Line 2 of {tmp_path / 'grades.csv'} has score '{score}', which is not a finite number; "
        "grade the images again."
    )


def test_an_unknown_grade_in_grades_csv_is_refused(tmp_path):
    (tmp_path / "grades.csv").write_text("image,grade,score\na.png,fine,1.0\n", encoding="utf-8")
    assert message(read_grades, tmp_path).startswith(f"Line 2 of {tmp_path / 'grades.csv'} has grade 'fine'; use ")
