"""`unoqa reproduce`: what cannot be reproduced is refused in one sentence, before anything is encoded or learned."""

from __future__ import annotations

import shutil

import pytest

from unoqa.benchmark.datasets.octa25k import HINT, LAYOUT
from unoqa.store.workspace import Workspace

CLASSES = "three are expected: 0, 1, 2 or ungradable, gradable, outstanding"


@pytest.fixture
def give(refusal, weights, tmp_path):
    """Return a function that names a folder, and returns why nothing can be made of it."""

    def sentence(data, *words):
        model = ("--encoder", "resnet18.tv_in1k", "--encoder-weights", weights)
        return refusal("reproduce", data, "-o", tmp_path / "tables", *model, *words)

    return sentence


@pytest.fixture
def shown(unoqa, weights, tmp_path):
    """Return the same for a refusal that shows the folders found below its sentence."""

    def lines(data, *words):
        model = ("--encoder", "resnet18.tv_in1k", "--encoder-weights", weights)
        ended = unoqa("reproduce", data, "-o", tmp_path / "tables", *model, *words)
        assert (ended.exit_code, ended.stdout) == (2, "")
        return ended.stderr.removeprefix("unoqa: ").splitlines()

    return lines


@pytest.fixture
def published(clinic, tmp_path):
    """Return scans in the folders of OCTA-25K, 12 a class."""
    scans = sorted(clinic.mixed.iterdir())
    for split in ("train", "test"):
        for grade in "012":
            folder = tmp_path / "octa" / "3x3" / "For_Train" / split / grade
            folder.mkdir(parents=True)
            for path in scans[:12]:
                shutil.copy(path, folder)
    return tmp_path / "octa"


@pytest.fixture
def labelled(clinic, tmp_path):
    """Return a function that writes 40 scans with a table of grades, and returns their folder."""

    def folder(grades, more=""):
        target = clinic.some(tmp_path / "labelled", 40)
        names = sorted(path.name for path in target.iterdir())
        lines = [f"{name},{grade}" for name, grade in zip(names, grades, strict=False)]
        (target / "labels.csv").write_text("\n".join(["image,grade", *lines, more]), encoding="utf-8")
        return target

    return folder


def test_help_names_the_data_the_tables_and_what_uses_labels(unoqa):
    ended = unoqa("reproduce", "--help")
    assert ended.exit_code == 0
    for word in (
        "DATA",
        "--output",
        "--dataset",
        "--encoder-weights",
        "--seeds",
        "--supervised",
        "--training",
        "--share",
        "--quick",
        "--device",
    ):
        assert word in ended.stdout
    text = " ".join(ended.stdout.split())
    assert "The output folder receives reproduction.md, .html and .csv (every cell) and work/" in text
    assert "A number that uses labels for more than the comparison is marked." in text


def test_a_missing_data_set_says_where_it_is_found_and_how_it_is_laid_out(give, tmp_path):
    missing = tmp_path / "octa"
    assert give(missing, "--dataset", "octa25k") == f"{missing} does not exist; {HINT}"
    assert "https://doi.org/10.5281/zenodo.5111972" in HINT
    assert LAYOUT in HINT


def test_a_missing_folder_of_no_named_data_set(give, tmp_path):
    assert give(tmp_path / "scnas") == (
        f"There is no folder {tmp_path / 'scnas'}; check its spelling, or choose the data set 'phantom', which "
        "draws scans."
    )


def test_an_unknown_data_set_names_the_nearest(give, clinic):
    assert give(clinic.mixed, "--dataset", "octa-25k") == (
        "There is no data set 'octa-25k'; did you mean 'octa25k'? "
        "Known: drac2022, labelled-folder, octa25k, phantom, reference-set."
    )


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_a_folder_that_is_no_data_set(filled, give, clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 3 if filled else 0)
    assert give(folder) == (
        f"The layout of {folder} fits no known data set (reference-set, octa25k, drac2022, phantom, "
        "labelled-folder); name one with --dataset to see what is missing."
    )


def test_a_table_that_almost_fits_is_told(give, clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 3)
    (folder / "grades.csv").write_text("file,quality\na.png,2\n")
    assert give(folder) == (
        f"{folder} holds no CSV with columns image,grade (found: grades.csv); labelled-folder expects images, in "
        "subfolders or not, and one CSV with columns image,grade in the folder itself."
    )


def test_a_share_of_no_published_passes_is_refused(give, clinic):
    assert give(clinic.mixed, "--dataset", "phantom", "--share", "0.1") == (
        "A share is of the published passes; the training must be 'published' or 'both'."
    )


def test_tables_of_other_images_are_not_replaced(give, labelled, tmp_path):
    folder = labelled("2" * 20 + "01" * 10)
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "reproduction.md").touch()
    (tables / "reproduction.json").write_text('{"images": "12, of others"}')
    assert give(folder) == f"{tables} holds the tables of other images; name a new folder."


def test_a_missing_split_is_named_beside_what_was_found(shown, published):
    shutil.rmtree(published / "3x3" / "For_Train" / "test")
    first, *tree = shown(published, "--dataset", "octa25k")
    assert first == f"octa25k: 3x3 has no test split; expected: {LAYOUT}. Found:"
    assert tree[0] == str(published)
    assert [line.strip() for line in tree[-3:]] == ["0: 12 images", "1: 12 images", "2: 12 images"]


def test_a_class_folder_that_is_none(give, published):
    train = published / "3x3" / "For_Train" / "train"
    shutil.copytree(train / "2", train / "3")
    assert give(published, "--dataset", "octa25k") == f"{train / '3'} is not a class folder; {CLASSES}."


def test_an_image_that_is_listed_but_absent(give, labelled):
    folder = labelled([2] * 20 + [0, 1] * 10, "gone.png,1")
    assert give(folder, "--dataset", "labelled-folder") == (
        f"Line 42 of {folder / 'labels.csv'} lists gone.png, which is not below {folder}; 1 of 41 listed images are "
        "missing: copy them there, or delete their lines."
    )


def test_a_label_that_is_no_grade(give, labelled):
    folder = labelled([2] * 20 + [0, 3] * 10)
    assert give(folder, "--dataset", "labelled-folder") == (
        f"Line 23 of {folder / 'labels.csv'} has grade '3'; use 0, 1, 2 or ungradable, gradable, outstanding."
    )


def test_a_cohort_too_small_to_cluster(give, labelled):
    folder = labelled([2] * 31 + [0, 1, 1] * 3)
    assert give(folder, "--dataset", "labelled-folder") == (
        "labelled-folder, study all: 9 of 25 test images are not outstanding; at least 10 are needed."
    )


def test_weights_that_are_nowhere(refusal, clinic, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert refusal("reproduce", clinic.folder, "--dataset", "phantom", "-o", tmp_path / "tables") == (
        "The weights of wide_resnet50_2.tv_in1k are not on this machine; run `unoqa weights wide_resnet50_2.tv_in1k` "
        "with internet access, or run it on another machine and give the file that it prints as the encoder's weights, "
        "or choose a recipe that needs none, such as 'default'."
    )
    assert not (tmp_path / "tables").exists()


def test_an_encoder_that_timm_does_not_know(refusal, clinic, weights, tmp_path):
    words = ("--encoder", "resnet19", "--encoder-weights", weights)
    sentence = refusal("reproduce", clinic.folder, "-o", tmp_path / "tables", *words)
    assert sentence.startswith("There is no timm model 'resnet19'; did you mean 'resnet18'?")


def test_an_unknown_device(give, clinic):
    assert give(clinic.folder, "--device", "gpu") == "There is no device 'gpu'; choose one of auto, cpu, cuda."


def test_a_folder_that_another_process_works_in(give, clinic, tmp_path):
    with Workspace(tmp_path / "tables" / "work"):
        assert give(clinic.folder, "--dataset", "phantom") == (
            f"Another process works in {tmp_path / 'tables' / 'work'}; wait until it ends, or choose another folder."
        )


def test_an_output_below_a_file(give, clinic, tmp_path):
    (tmp_path / "tables").write_text("a file")
    assert give(clinic.folder).startswith(f"{tmp_path / 'tables' / 'work'}: Not a directory; check the path")


@pytest.mark.slow
def test_a_quick_look_says_where_the_tables_are_and_what_was_left_out(unoqa, clinic, weights, tmp_path):
    words = ("--encoder", "resnet18.tv_in1k", "--encoder-weights", weights, "--quick")
    ended = unoqa("reproduce", clinic.folder, "-o", tmp_path / "tables", *words)
    assert ended.exit_code == 0, ended.output
    *notes, last = ended.stderr.splitlines()
    assert last == f"Tables in {tmp_path / 'tables'}: reproduction.md, .html, .csv and .json."
    assert notes[0] == "Note: PaDiM: layer 3 is left out; the weights file lacks it."
    assert "data set: phantom (a quick look" in (tmp_path / "tables" / "reproduction.md").read_text(encoding="utf-8")
