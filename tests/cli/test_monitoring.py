"""`unoqa monitor` and `unoqa check` on real records of made-up scans: what has moved, and the exit status."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from unoqa.cli.parts.application import application

FAST = ("--no-heat", "--no-report", "-q")


@pytest.fixture(scope="module")
def graded(clinic, settled_model, tmp_path_factory):
    """Return a function that grades the mixed scans, changed, with the dates of two weeks at one device."""

    def grade(name, change=lambda pixels: pixels, model=settled_model):
        folder = tmp_path_factory.mktemp(name)
        rows = [("path", "date", "device")]
        for number, path in enumerate(sorted(clinic.mixed.iterdir())):
            pixels = change(np.asarray(Image.open(path)))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / path.name)
            rows.append((path.name, f"2027-03-{1 + 7 * (number % 2):02}", "Cirrus"))
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        words = ["grade", folder / "manifest.csv", "-m", model, "-o", folder / "results", *FAST]
        ended = CliRunner().invoke(application, [str(word) for word in words])
        assert ended.exit_code == 0, ended.output
        return folder / "results"

    return grade


@pytest.fixture(scope="module")
def usual(graded):
    return graded("usual")


@pytest.fixture(scope="module")
def dimmed(graded):
    return graded("dimmed", lambda pixels: 0.6 * pixels)


@pytest.mark.requirement("R16")
def test_images_like_those_of_the_cohort_raise_no_alarm(usual, settled_model, unoqa, tmp_path):
    ended = unoqa("monitor", usual, "-m", settled_model, "-o", tmp_path / "out")
    assert (ended.exit_code, ended.stdout) == (0, "Nothing has moved: these images are like those of the reference.\n")
    values = json.loads((tmp_path / "out" / "monitor.json").read_text(encoding="utf-8"))
    assert {one["period"] for one in values["comparisons"]} == {"2027-03-01", "2027-03-08"}
    assert {"score", "member_1", "brightness", "oblique_1", "rows"} <= {one["number"] for one in values["comparisons"]}


@pytest.mark.requirement("R16")
def test_dimmer_images_raise_an_alarm_that_names_device_measure_and_week(dimmed, settled_model, unoqa, tmp_path):
    ended = unoqa("monitor", dimmed, "-m", settled_model, "--by", "device", "-o", tmp_path / "out")
    assert ended.exit_code == 4
    sentence = "Cirrus: brightness is lower (dim) since the week of 1 March 2027: by 4"
    assert sentence in ended.stdout


def test_results_can_be_compared_with_results_of_a_model_that_is_not_settled(graded, model, unoqa, refusal, tmp_path):
    results = graded("unsettled", model=model)
    ended = unoqa("monitor", results, "-m", model, "--reference", results, "-o", tmp_path / "out")
    assert ended.exit_code == 0, ended.output
    assert refusal("monitor", results, "-m", model, "-o", tmp_path / "new") == (
        f"The model {model} keeps no cohort to compare with, since it is not settled: settle it on a mixed cohort "
        "(unoqa settle), or name results of a time when all was well (--reference RESULTS)."
    )


def test_copies_count_once(usual, settled_model, unoqa, tmp_path):
    unoqa("monitor", usual, usual, "-m", settled_model, "-o", tmp_path / "out")
    values = json.loads((tmp_path / "out" / "monitor.json").read_text(encoding="utf-8"))
    assert {one["images"] for one in values["comparisons"]} == {20}


def test_results_of_another_model_are_refused(usual, model, refusal, tmp_path):
    assert refusal("monitor", usual, "-m", model, "--reference", usual, "-o", tmp_path / "out") == (
        f"{usual} was graded by another model, whose scores mean something else; name the model that graded it (-m), "
        "or grade the images with this one."
    )


@pytest.fixture
def sentinel(clinic, tmp_path):
    return clinic.some(tmp_path / "kept", 6)


@pytest.mark.requirement("R15")
def test_a_kept_set_is_graded_as_before_to_the_last_bit(sentinel, settled_model, unoqa):
    first = unoqa("check", sentinel, "-m", settled_model)
    assert (first.exit_code, first.stdout) == (0, "")
    assert "Nothing was compared" in first.stderr
    assert (sentinel.parent / "kept.expected.json").is_file()
    again = unoqa("check", sentinel, "-m", settled_model, "--threads", 1)
    assert (again.exit_code, again.stdout) == (0, "All 6 images are graded as expected, to the last bit.\n")


@pytest.mark.requirement("R15")
def test_a_changed_image_is_named(sentinel, settled_model, unoqa):
    unoqa("check", sentinel, "-m", settled_model)
    path = min(sentinel.iterdir())
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    ended = unoqa("check", sentinel, "-m", settled_model)
    assert ended.exit_code == 4
    assert ended.stdout.startswith(f"1 of 6 images are not graded as expected. {path.name}: pixels was ")
    renewed = unoqa("check", sentinel, "-m", settled_model, "--renew")
    assert (renewed.exit_code, renewed.stdout) == (0, "")
    assert unoqa("check", sentinel, "-m", settled_model).exit_code == 0


@pytest.mark.parametrize(
    ("processor", "step", "status", "words"),
    [
        ("same", 1e-9, 4, "1 of 6 images are not graded as expected"),
        ("other", 1e-6, 0, "numbers of 1 of them differ by less than 0.0001"),
        ("other", 1e-2, 4, "Beside that, processor was other and is"),
    ],
)
def test_rounding_of_another_processor_is_told_from_a_change(
    processor, step, status, words, sentinel, settled_model, unoqa
):
    unoqa("check", sentinel, "-m", settled_model)
    file = sentinel.parent / "kept.expected.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    next(iter(values["images"].values()))["score"] += step
    if processor == "other":
        values["machine"]["processor"] = processor
    file.write_text(json.dumps(values), encoding="utf-8")
    ended = unoqa("check", sentinel, "-m", settled_model)
    assert ended.exit_code == status
    assert words in ended.stdout


def test_a_missing_and_a_new_image_are_changes(sentinel, settled_model, unoqa):
    unoqa("check", sentinel, "-m", settled_model)
    path = min(sentinel.iterdir())
    shutil.move(path, sentinel / "new.png")
    ended = unoqa("check", sentinel, "-m", settled_model)
    assert ended.exit_code == 4
    assert f"2 of 6 images are not graded as expected. {path.name}: the image was there and is missing." in ended.stdout


def test_other_expectations_are_refused(sentinel, settled_model, model, clinic, refusal, unoqa):
    file = sentinel.parent / "mine.json"
    unoqa("check", sentinel, "-m", settled_model, "--expected", file)
    sentence = refusal("check", clinic.mixed, "-m", model, "--expected", file, "-q")
    assert sentence.startswith(f"{file} holds what another model (")
    file.write_text("[]", encoding="utf-8")
    assert refusal("check", sentinel, "-m", settled_model, "--expected", file, "-q").startswith(
        f"{file} holds no expected grades (TypeError"
    )
