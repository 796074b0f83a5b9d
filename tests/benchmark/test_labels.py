"""Label files are read as people write them, and labels are joined to images without guessing."""

from __future__ import annotations

import pytest

from unoqa.benchmark.labels import GradedRow, join_labels, read_grades, read_labels
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade, Grading, RunRecord
from unoqa.outputs.grades_csv import GradesCsv

U, G, O = Grade.UNGRADABLE, Grade.GRADABLE, Grade.OUTSTANDING  # noqa: E741 - the letters of the grades


@pytest.fixture
def label_file(tmp_path):
    """Return a function from content to a file."""

    def write(content, encoding="utf-8"):
        (tmp_path / "labels.csv").write_bytes(content.encode(encoding))
        return tmp_path / "labels.csv"

    return write


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
    ],
    ids=["numbers", "words", "windows", "columns", "loose"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_labels_are_read_as_people_write_them(content, encoding, label_file):
    assert read_labels(label_file(content, encoding)) == {"a.png": U, "b.png": G, "c.png": O}


def test_paths_of_windows_and_names_like_formulas_are_understood(label_file):
    labels = read_labels(label_file("image,grade\nclinic\\a.png,0\n'=b.png,1\n"))
    assert labels == {"clinic/a.png": U, "=b.png": G}


@pytest.mark.parametrize("grade", ["3", "-1", "good", "", "0.5"])
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


@pytest.mark.parametrize("content", ["", "image;grade\na.png;1\n", "name,grade\na.png,1\n"])
def test_a_missing_column_is_named(content, label_file):
    path = label_file(content)
    assert message(read_labels, path).startswith(f"{path} has no column image")
    assert message(read_labels, path).endswith("; give a CSV with columns image,grade.")


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfeimage")
    assert message(read_labels, tmp_path / "no.csv") == (
        f"There is no {tmp_path / 'no.csv'}; give a CSV with columns image,grade."
    )
    assert message(read_labels, tmp_path / "labels.csv").startswith(f"{tmp_path / 'labels.csv'} cannot be read as")


def test_an_images_own_path_comes_before_its_name():
    labels = {"one/a.png": U, "two/a.png": O, "b.png": G}
    assert join_labels(["one/a.png", "two/a.png", "clinic/b.png"], labels) == {
        "one/a.png": U,
        "two/a.png": O,
        "clinic/b.png": G,
    }


def test_an_image_of_the_same_file_name_as_one_labelled_by_its_path_has_no_label():
    assert join_labels(["OD/a.png", "OS/a.png"], {"OD/a.png": U}) == {"OD/a.png": U}


@pytest.mark.parametrize("name", ["a\\b.png", "./a.png", "caf\\udce9.png", " a.png "])
def test_an_unusual_name_is_joined_as_the_label_file_is_read(name, label_file):
    assert join_labels([name], read_labels(label_file(f"image,grade\n{name},1\n"))) == {name: G}


def test_once_one_path_matches_a_label_with_another_path_means_another_image():
    assert join_labels(["OS/a.png", "OS/b.png", "OS/c.png"], {"OD/a.png": U, "OS/b.png": G, "c.png": O}) == {
        "OS/b.png": G,
        "OS/c.png": O,
    }


def test_a_unique_file_name_is_enough_and_an_image_without_label_is_left_out():
    assert join_labels(["a.png", "c.png"], {"elsewhere/a.png": G, "b.png": U}) == {"a.png": G}


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


def test_labels_of_other_images_are_refused():
    assert message(join_labels, ["a.png"], {"b.png": U}) == (
        "No label matches an image of the results; check the label file's column 'image': it names 'b.png', and "
        "the images are 'a.png'."
    )


def test_the_rows_of_a_run_are_read_back(tmp_path):
    gradings = (
        Grading("größe/a.png", O, -0.25, 1.0, 1.0),
        Grading("=b.png", U, 3.5, 1.0, 0.5, ("blur",)),
        Grading("c.tif", None, None, 1.0, None, (), "truncated: c.tif."),
    )
    GradesCsv().write_run(tmp_path, RunRecord(gradings, {}))
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
