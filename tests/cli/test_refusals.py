"""What cannot be done is refused in one sentence: what, where, what to do next. No stack trace, status 2."""

import os
import shutil
import sys

import pytest

from clinic import small
from unoqa.cli import demo
from unoqa.cli.fit import SMALLEST_ALPHA
from unoqa.grader.recipe import recipe_names
from unoqa.store.results import ImageEntry, RunPlan, begin_run
from unoqa.thresholds.conformal import Conformal
from unoqa.version import __version__


@pytest.fixture
def empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def graded(legacy_results):
    """Return the results of three images, two of one name."""
    rows = ("left/a.png,gradable,1,3.0", "right/a.png,ungradable,0,9.0", "b.png,outstanding,2,0.5")
    return legacy_results(*(f"{row},2.0,0.5,," for row in rows))


def test_a_reproduction_into_a_folder_of_something_else(refusal, empty, tmp_path):
    (empty / "thesis.txt").touch()
    assert refusal("reproduce", tmp_path, "-o", empty) == (
        f"{empty} holds something that is not a reproduction; name a new folder."
    )


@pytest.mark.parametrize("recipe", ["default", "measures"])
def test_weights_for_a_recipe_that_needs_none(recipe, refusal, clinic, tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.touch()
    arguments = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe)
    assert refusal(*arguments, "--encoder-weights", weights) == (
        f"The recipe '{recipe}' needs no encoder weights, but {weights} was given; leave it out, or choose a recipe "
        "that needs them, such as 'default-resnet18'."
    )


def test_an_empty_folder(refusal, empty, settled_model, tmp_path):
    sentence = (
        f"'{empty}' holds no image and no other file; "
        "give files or folders of bmp, dicom, jpeg, matlab, nifti, npy, png, tiff."
    )
    assert refusal("grade", empty, "-m", settled_model, "-o", tmp_path / "results") == sentence
    assert refusal("fit", empty, "-o", tmp_path / "model") == sentence
    assert not (tmp_path / ".model.unfinished").exists()
    assert refusal("settle", empty, "-m", settled_model, "-o", tmp_path / "model") == sentence


def test_a_folder_without_images(refusal, empty, settled_model, tmp_path):
    (empty / "notes.txt").write_text("no image")
    assert refusal("grade", empty, "-m", settled_model, "-o", tmp_path / "results") == (
        f"'{empty}' holds no image, only 1 other file; "
        "give files or folders of bmp, dicom, jpeg, matlab, nifti, npy, png, tiff."
    )
    assert not (tmp_path / "results").exists()


def test_a_folder_that_does_not_exist(refusal, settled_model, tmp_path):
    assert refusal("grade", tmp_path / "scnas", "-m", settled_model, "-o", tmp_path / "results") == (
        f"There is no file or folder '{tmp_path / 'scnas'}'; check its spelling."
    )


def test_a_missing_model(refusal, clinic, tmp_path):
    wanted = f"There is no model folder {tmp_path / 'none'}; check the path, or fit a model with `unoqa fit` first."
    assert refusal("grade", clinic.mixed, "-m", tmp_path / "none", "-o", tmp_path / "results") == wanted
    assert refusal("settle", clinic.mixed, "-m", tmp_path / "none", "-o", tmp_path / "settled") == wanted


def test_a_model_of_another_version(refusal, clinic, settled_model, tmp_path):
    other = shutil.copytree(settled_model, tmp_path / "other")
    text = (other / "model.toml").read_text(encoding="utf-8")
    (other / "model.toml").write_text(text.replace("format = 4", "format = 9"), encoding="utf-8")
    assert refusal("grade", clinic.mixed, "-m", other, "-o", tmp_path / "results") == (
        f"The model {other} has format 9, of unoqa {__version__}, but this version reads 4; "
        "install that version or a newer one."
    )


def test_a_cohort_of_one_image_on_an_unsettled_model(refusal, clinic, model, tmp_path):
    assert refusal("grade", min(clinic.mixed.iterdir()), "-m", model, "-o", tmp_path / "results") == (
        "Grading a cohort takes at least 10 images, and there is 1; for fewer, settle the model on a larger cohort "
        "first: unoqa settle COHORT -m MODEL -o MODEL2, then grade with MODEL2."
    )


def test_settling_on_too_few(refusal, clinic, model, tmp_path):
    sentence = refusal("settle", clinic.some(tmp_path / "few", 3), "-m", model, "-o", tmp_path / "settled")
    assert sentence.startswith("Settling takes at least 10 images that are not outstanding, and 3 of these 3 are not")
    assert sentence.endswith("; settle on a larger cohort, as mixed as those to be graded.")
    assert not (tmp_path / "settled").exists()


@pytest.mark.parametrize("command", ["fit", "settle"])
def test_a_model_folder_that_holds_something_else(command, refusal, clinic, model, empty):
    (empty / "thesis.doc").write_text("years of work")
    words = ("--recipe", "measures") if command == "fit" else ("-m", model)
    source = clinic.outstanding if command == "fit" else clinic.mixed
    assert refusal(command, source, "-o", empty, *words) == (
        f"{empty} holds something that is not a model; name a new folder."
    )
    assert [path.name for path in empty.iterdir()] == ["thesis.doc"]


def test_a_results_folder_that_holds_something_else(refusal, clinic, settled_model, empty):
    (empty / "thesis.doc").write_text("years of work")
    assert refusal("grade", clinic.mixed, "-m", settled_model, "-o", empty) == (
        f"{empty} holds something that is not a result of unoqa; name a new folder."
    )


def test_the_results_of_another_model(refusal, unoqa, clinic, model, settled_model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 10)
    assert unoqa("grade", folder, "-m", settled_model, "-o", tmp_path / "results", "--no-heat").exit_code == 0
    before = (tmp_path / "results" / "grades.csv").read_bytes()
    assert refusal("grade", folder, "-m", model, "-o", tmp_path / "results") == (
        f"{tmp_path / 'results'} holds the results of another model; name a new folder."
    )
    assert (tmp_path / "results" / "grades.csv").read_bytes() == before


def test_alone_on_an_unsettled_model(refusal, clinic, model, tmp_path):
    assert refusal("grade", clinic.mixed, "-m", model, "-o", tmp_path / "results", "--alone") == (
        "Grading single images takes a settled model, and this one is not settled: run `unoqa settle COHORT -m MODEL "
        "-o MODEL2` (in Python: `grader.settle(cohort)`) on a mixed cohort first."
    )


def test_alone_and_cohort(refusal, clinic, settled_model, tmp_path):
    words = ("grade", clinic.mixed, "-m", settled_model, "-o", tmp_path / "results", "--alone", "--cohort")
    assert refusal(*words) == "--alone and --cohort exclude each other; give only one of them."


def test_an_unknown_recipe(refusal, clinic, tmp_path):
    known = ", ".join(recipe_names())
    assert refusal("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "measure") == (
        f"There is no recipe 'measure'; did you mean 'measures'? Known: {known}."
    )
    assert refusal("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", tmp_path / "site.toml") == (
        f"There is no recipe file {tmp_path / 'site.toml'}; name one that exists, or a recipe: {known}."
    )


@pytest.mark.parametrize(
    ("alpha", "why"),
    [
        ("0", "at least 0.001, got 0.0"),
        ("0.0009", "at least 0.001, got 0.0009"),
        ("1", "below 1 (1 % is 0.01), got 1.0"),
        ("2", "below 1 (2 % is 0.02), got 2.0"),
        ("20", "below 1 (20 % is 0.2), got 20.0"),
        ("100", "below 1, got 100.0"),
        ("nan", "at least 0.001, got nan"),
    ],
)
def test_an_alpha_out_of_range(alpha, why, refusal, clinic, tmp_path):
    words = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "measures", "--alpha", alpha)
    assert refusal(*words) == f"--alpha must be {why}."


def test_the_smallest_alpha_is_that_of_the_conformal_threshold():
    assert Conformal(alpha=SMALLEST_ALPHA).alpha == SMALLEST_ALPHA
    with pytest.raises(ValueError, match="greater than or equal to"):
        Conformal(alpha=SMALLEST_ALPHA * 0.99)


def test_an_alpha_that_takes_more_images(refusal, clinic, tmp_path):
    words = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "measures", "--alpha", "0.01")
    assert refusal(*words) == (
        "At least 99 different outstanding images are needed, and 30 can be used; "
        "give more images, choose a recipe that needs fewer, or set a larger alpha "
        "(the share of outstanding images above the threshold)."
    )


def test_an_unknown_device(refusal, clinic, settled_model, tmp_path):
    words = ("grade", clinic.mixed, "-m", settled_model, "-o", tmp_path / "results", "--device", "gpu")
    assert refusal(*words) == "There is no device 'gpu'; choose one of auto, cpu, cuda."


def test_weights_that_are_nowhere(refusal, clinic, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    words = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "default-resnet18")
    assert refusal(*words) == (
        "The weights of resnet18.tv_in1k are not on this machine; run `unoqa weights resnet18.tv_in1k` with internet "
        "access, or run it on another machine and give the file that it prints as the encoder's weights, or choose a "
        "recipe that needs none, such as 'default'."
    )


def test_a_weights_file_that_is_missing_or_damaged(refusal, clinic, weights, tmp_path):
    words = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "default-resnet18")
    words += ("--encoder-weights", tmp_path / "file.safetensors")
    assert refusal(*words) == (
        f"There is no weights file {tmp_path / 'file.safetensors'}; give the path of one that exists."
    )
    (tmp_path / "file.safetensors").write_bytes(weights.read_bytes()[:9999])
    assert "is neither a safetensors file nor a torch checkpoint of plain arrays; export" in refusal(*words)


def test_weights_of_fewer_layers_than_the_recipe_wants(refusal, clinic, weights, tmp_path):
    words = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "default-resnet18")
    words += ("--encoder-weights", weights)
    assert "layer3.0." in refusal(*words)


def test_a_label_file_that_is_missing(refusal, graded, tmp_path):
    assert refusal("evaluate", graded, "--labels", tmp_path / "labels.csv") == (
        f"There is no {tmp_path / 'labels.csv'}; give a CSV with columns image,grade."
    )


def test_a_label_file_without_its_column(refusal, graded, label_file):
    path = label_file("image,quality\nb.png,2\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        f"{path} has no column grade; give a CSV with columns image,grade."
    )


def test_a_label_file_with_another_grade(refusal, graded, label_file):
    path = label_file("image,grade\nb.png,good\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        f"Line 2 of {path} has grade 'good'; use 0, 1, 2 or ungradable, gradable, outstanding."
    )


def test_a_name_that_stands_for_two_images(refusal, graded, label_file):
    path = label_file("image,grade\na.png,1\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        "The name a.png stands for 2 images and 1 labels; write the images' relative paths into the label file."
    )


def test_labels_of_other_images(refusal, graded, label_file):
    path = label_file("image,grade\nz.png,1\n")
    assert refusal("evaluate", graded, "--labels", path) == (
        "No label matches an image of the results; check the label file's column 'image': it names 'z.png', and the "
        "images are 'left/a.png' …."
    )


def test_a_folder_without_results(refusal, empty, label_file):
    assert refusal("evaluate", empty, "--labels", label_file("image,grade\nb.png,2\n")) == (
        f"There is no {empty / 'grades.csv'}; give a results folder of `unoqa grade`."
    )


def test_a_demo_is_not_made_over_something_else(refusal, empty):
    (empty / "thesis.doc").write_text("years of work")
    assert refusal("demo", empty) == f"{empty} holds something that is not a demo; name a new folder."


def test_a_recipe_file_with_a_misspelling(refusal, clinic, tmp_path):
    path = small("measures", tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("fusion =", "fusoin ="), encoding="utf-8")
    assert refusal("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", path) == (
        "small-measures.toml: the key 'fusoin' in [panel] is unknown; did you mean 'fusion'? "
        "Known: final, folds, fusion."
    )


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(refusal, clinic, settled_model, empty):
    empty.chmod(0o500)
    sentence = refusal("grade", clinic.mixed, "-m", settled_model, "-o", empty / "results")
    assert sentence == f"{empty / 'results'}: Permission denied; check the path, its permissions and the space left."


def test_an_output_below_a_file(refusal, clinic, settled_model, tmp_path):
    (tmp_path / "file").write_text("a file")
    sentence = refusal("grade", clinic.mixed, "-m", settled_model, "-o", tmp_path / "file" / "results")
    assert sentence.startswith(f"{tmp_path / 'file' / 'results'}: Not a directory; check the path")


@pytest.mark.parametrize(
    "words",
    [
        ["grde"],
        ["grade"],
        ["grade", "scans", "-m", "model"],
        ["fit", "scans", "-o", "model", "--seed", "-1"],
        ["fit", "scans", "-o", "model", "--alpha", "small"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_incomplete_or_misspelt_has_status_2(words, unoqa):
    ended = unoqa(*words)
    assert ended.exit_code == 2
    assert "Error" in ended.stderr
    assert "Traceback" not in ended.output


def test_a_results_folder_within_the_images(refusal, clinic, settled_model):
    results = clinic.mixed / "results"
    assert refusal("grade", clinic.mixed, "-m", settled_model, "-o", results) == (
        f"The results folder {results} is inside the folder of images; name a folder outside it."
    )


def test_a_results_folder_within_the_model(refusal, clinic, settled_model):
    results = settled_model / "results"
    assert refusal("grade", clinic.mixed, "-m", settled_model, "-o", results) == (
        f"The results folder {results} is inside the model folder; name a folder outside it."
    )
    assert not results.exists()


def test_a_demo_is_not_made_over_work_that_has_a_folder_of_that_name(refusal, empty):
    for theirs in ("phantom/notes.txt", "results/run.json", "model/model.toml"):
        (empty / theirs).parent.mkdir(exist_ok=True)
        (empty / theirs).write_text("years of work")
    assert refusal("demo", empty) == f"{empty} holds something that is not a demo; name a new folder."


def test_a_demo_that_was_interrupted_while_it_drew_starts_anew(unoqa, empty, monkeypatch):
    (empty / "phantom" / "outstanding").mkdir(parents=True)
    monkeypatch.setattr(demo, "write_phantom", stop)
    assert isinstance(unoqa("demo", empty, "--quiet").exception, Reached)


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
def test_a_link_that_leads_to_itself_costs_its_row(unoqa, clinic, settled_model, tmp_path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    ended = unoqa(
        "grade", clinic.mixed, tmp_path / "loop.png", "-m", settled_model, "-o", tmp_path / "results", "--no-heat"
    )
    assert ended.exit_code == 3
    assert "loop.png: unreadable: " in ended.stderr


def test_a_demo_that_was_interrupted_while_it_graded_starts_anew(unoqa, empty, monkeypatch):
    (empty / "phantom").mkdir()
    (empty / "phantom" / "labels.csv").touch()
    with begin_run(empty / "results", RunPlan([ImageEntry("a.png")], "", "of another day", "")):
        pass
    monkeypatch.setattr(demo, "write_phantom", stop)
    assert isinstance(unoqa("demo", empty, "--quiet").exception, Reached)
    assert not (empty / "results").exists()


def test_a_demo_folder_with_a_file_managers_file_is_empty(unoqa, empty, monkeypatch):
    monkeypatch.setattr(demo, "write_phantom", stop)
    (empty / ".DS_Store").touch()
    assert isinstance(unoqa("demo", empty, "--quiet").exception, Reached)


class Reached(Exception):
    """The demo starts to draw."""


def stop(*_, **__):
    raise Reached


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_a_library_would_refuse(seed, unoqa, clinic, tmp_path):
    ended = unoqa("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "measures", "--seed", seed)
    assert ended.exit_code == 2
    assert "Invalid value for '--seed'" in ended.stderr


def test_an_unknown_kind_of_choice(refusal):
    assert refusal("choices", "flavours").startswith(
        "There is no kind of choice 'flavour'. Known: clustering, data set, encoder,"
    )


def test_labels_that_no_image_has_are_counted(unoqa, graded, label_file):
    ended = unoqa("evaluate", graded, "--labels", label_file("image,grade\nb.png,2\nx/b.png,1\nelsewhere.png,1\n"))
    assert "2 images no label, 2 labels no image." in ended.stdout
