"""OCTA-25K is found in whatever folders it was unpacked to, and differences from the published layout are reported."""

from __future__ import annotations

from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from unoqa.benchmark.datasets.octa25k import HINT, LAYOUT, PUBLISHED, Octa25k
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

DIGITS = ("0", "1", "2")
WORDS = ("ungradable", "gradable", "outstanding")


def make_png():
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


SCAN = make_png()


def fill(place, classes=DIGITS, counts=(5, 6, 7)):
    """Write images named from 0 into class folders, ungradable ones first."""
    for name, count in zip(classes, counts, strict=True):
        (place / name).mkdir(parents=True)
        for number in range(count):
            (place / name / f"{number}.png").write_bytes(SCAN)


def find_studies(folder):
    return {study.name: study for study in Octa25k().find_studies(folder, seed=0)}


def refusal(folder):
    with pytest.raises(DataSetError) as caught:
        Octa25k().find_studies(folder, seed=0)
    return str(caught.value)


def count_grades(split):
    return Counter(image.grade.word for image in split)


@pytest.fixture
def unpacked(tmp_path):
    """Return the folder of both archives, laid out as its users show it, below a folder name that is not ASCII."""
    folder = tmp_path / "数据 1.0"
    for field in ("3x3", "6x6"):
        for split in ("train", "test"):
            fill(folder / "quality_assessment" / field / "For_Train" / split)
    return folder


def test_the_outstanding_of_train_are_fitted_on_and_test_is_tested(unpacked):
    three, six = Octa25k().find_studies(unpacked, seed=0)
    assert (three.name, six.name) == ("3x3", "6x6")
    train = unpacked / "quality_assessment" / "3x3" / "For_Train" / "train"
    assert [image.path for image in three.fit] == [train / "2" / f"{number}.png" for number in range(7)]
    assert count_grades(three.test) == {"ungradable": 5, "gradable": 6, "outstanding": 7}
    assert {image.reference.path.parent.name: image.grade for image in three.test} == {
        "0": Grade.UNGRADABLE,
        "1": Grade.GRADABLE,
        "2": Grade.OUTSTANDING,
    }
    assert not three.external
    assert not three.validation


@pytest.mark.parametrize("below", ["quality_assessment", "quality_assessment/3x3", "quality_assessment/3x3/For_Train"])
def test_a_folder_further_down_serves_as_well(below, unpacked):
    assert len(find_studies(unpacked / below)["3x3"].fit) == 7


@pytest.mark.parametrize(
    ("place", "split"),
    [
        ("external", "external"),
        ("External Test", "external"),
        ("external_test_1", "validation"),
        ("external_test_2", "external"),
        ("external1", "validation"),
        ("ext1", "validation"),
        ("ext2", "external"),
        ("External testing 2", "external"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("For_Train/validation", "validation"),
    ],
)
def test_the_sets_of_300_images_are_known_by_their_names(place, split, unpacked):
    fill(unpacked / "3x3" / place, counts=(3, 4, 5))
    study = find_studies(unpacked)["3x3"]
    assert count_grades(getattr(study, split)) == {"ungradable": 3, "gradable": 4, "outstanding": 5}
    assert not getattr(study, "external" if split == "validation" else "validation")


@pytest.mark.parametrize("words", [WORDS, ("Ungradable", "Gradable", "Best"), ("ungradable", "gradable", "excellent")])
@pytest.mark.parametrize("place", ["6M", "OCTA_6M", "sOCTA-6x6-14k"])
def test_class_folders_in_words_beside_a_field_of_view_are_external(words, place, unpacked):
    fill(unpacked / place, words, counts=(3, 4, 5))
    assert count_grades(find_studies(unpacked)["6x6"].external) == {"ungradable": 3, "gradable": 4, "outstanding": 5}


def test_counts_that_differ_from_the_published_ones_are_noted_in_one_sentence_per_split(unpacked):
    (unpacked / "quality_assessment" / "sheet.png").write_bytes(SCAN)
    assert find_studies(unpacked)["3x3"].notes == (
        "The train split has 18 images, 7 outstanding; published: 6915 images, 961 outstanding.",
        "The test split has 7 outstanding, 6 gradable, 5 ungradable; published: 412 outstanding, 1179 "
        "gradable, 1374 ungradable.",
        "The validation split has 0 images; published: 300 images.",
        "The external split has 0 outstanding, 0 gradable, 0 ungradable; published: 100 outstanding, "
        "100 gradable, 100 ungradable.",
        "Not used: 1 image outside class folders.",
    )


def test_a_split_with_the_published_count_has_no_note(unpacked):
    fill(unpacked / "3M", WORDS, counts=(100, 100, 100))
    assert not any("external" in note for note in find_studies(unpacked)["3x3"].notes)


def test_the_published_counts_add_up_to_the_published_totals():
    sums = {
        field: sum(known.get("images", sum(known.values())) for known in PUBLISHED[field].values())
        for field in PUBLISHED
    }
    assert sums == {"3x3": 10480, "6x6": 14042}


def test_hidden_copies_of_images_are_ignored(unpacked):
    hidden = unpacked / "__MACOSX" / "3x3" / "train" / "7"
    hidden.mkdir(parents=True)
    (hidden / "._0.png").write_bytes(SCAN)
    (unpacked / "quality_assessment" / "3x3" / "For_Train" / "test" / "0" / "._0.png").write_bytes(SCAN)
    assert len(find_studies(unpacked)["3x3"].test) == 18


def test_a_missing_class_folder_is_named(tmp_path):
    fill(tmp_path / "3x3" / "train")
    fill(tmp_path / "3x3" / "test", ("0", "2"), (1, 1))
    assert refusal(tmp_path) == (
        f"{tmp_path / '3x3' / 'test'} has no folder with gradable images; three are expected: 0, 1, 2 or ungradable, "
        "gradable, outstanding."
    )


def test_an_unknown_class_folder_is_named(tmp_path):
    fill(tmp_path / "3x3" / "train", (*DIGITS, "3"), (1, 1, 1, 1))
    assert refusal(tmp_path) == (
        f"{tmp_path / '3x3' / 'train' / '3'} is not a class folder; three are expected: 0, 1, 2 or ungradable, "
        "gradable, outstanding."
    )


def test_two_folders_of_one_grade_are_named(tmp_path):
    fill(tmp_path / "3x3" / "train", (*DIGITS, "best"), (1, 1, 1, 1))
    place = tmp_path / "3x3" / "train"
    assert refusal(tmp_path) == f"{place} holds two folders of outstanding images, 2 and best; keep one."


def test_a_missing_test_split_is_reported_with_what_was_found(tmp_path):
    fill(tmp_path / "3x3" / "For_Train" / "train", counts=(1, 2, 3))
    assert refusal(tmp_path) == (
        f"octa25k: 3x3 has no test split; expected: {LAYOUT}. Found:\n"
        f"{tmp_path}\n"
        "  3x3\n"
        "    For_Train\n"
        "      train\n"
        "        0: 1 image\n"
        "        1: 2 images\n"
        "        2: 3 images"
    )


def test_a_missing_train_split_is_reported_and_a_long_tree_is_cut(tmp_path):
    fill(tmp_path / "3x3" / "test")
    for number in range(30):
        (tmp_path / "more" / f"{number:02d} other").mkdir(parents=True)
        (tmp_path / "more" / f"{number:02d} other" / "a.png").write_bytes(SCAN)
    lines = refusal(tmp_path).splitlines()
    assert lines[0] == f"octa25k: 3x3 has no train split; expected: {LAYOUT}. Found:"
    assert lines[-1] == "… and 13 more folders"
    assert len(lines) == 1 + 24 + 1


@pytest.mark.parametrize(
    ("place", "what"),
    [("3x3/somewhere", "split (train, test, external)"), ("train", "field of view (3x3 or 6x6)")],
)
def test_class_folders_without_a_field_or_split_on_their_path_are_refused(place, what, tmp_path):
    folder = tmp_path / "data"
    fill(folder / place)
    where = folder / place
    assert refusal(folder).splitlines()[0] == (
        f"octa25k: no folder on the path {where} is named after a {what}; expected: {LAYOUT}. Found:"
    )


def test_images_without_class_folders_are_refused(tmp_path):
    (tmp_path / "0.png").write_bytes(SCAN)
    assert refusal(tmp_path) == (
        f"octa25k: there are no class folders; expected: {LAYOUT}. Found:\n{tmp_path}: 1 image"
    )


def test_two_places_of_one_split_are_named(unpacked):
    fill(unpacked / "3x3" / "test")
    first, second = unpacked / "3x3" / "test", unpacked / "quality_assessment" / "3x3" / "For_Train" / "test"
    assert refusal(unpacked) == f"octa25k: {first} and {second} are both the test split of 3x3; keep one of them."


def test_a_test_split_with_few_bad_images_is_refused(tmp_path):
    fill(tmp_path / "3x3" / "train")
    fill(tmp_path / "3x3" / "test", counts=(4, 5, 9))
    assert refusal(tmp_path) == ("octa25k, study 3x3: 9 of 18 test images are not outstanding; at least 10 are needed.")


def test_a_missing_folder_is_reported_with_where_to_find_the_data_set(tmp_path):
    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'} does not exist; {HINT}"
    assert HINT == (
        "octa25k is available at https://doi.org/10.5281/zenodo.5111972 and https://doi.org/10.5281/zenodo.5111975; "
        "unpack it, and give the folder that holds 3x3/For_Train/train/{0,1,2}/*.png, 3x3/For_Train/test/{0,1,2}/*.png "
        "and, if there are external sets, 3x3/external/{0,1,2}/*.png; 6x6 likewise."
    )


def test_an_archive_and_an_empty_folder_are_refused(tmp_path):
    (tmp_path / "3x3.zip").write_bytes(b"PK")
    assert refusal(tmp_path / "3x3.zip") == f"{tmp_path / '3x3.zip'} is not a folder; {HINT}"
    assert refusal(tmp_path) == f"{tmp_path} holds no image; {HINT}"
