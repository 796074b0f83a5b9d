"""A killed fit goes on where it was, and ends with the grader that it would have made."""

import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import tomli_w

from interrupting import Failing, PowerCut
from unoqa import EnfaceImage, Recipe
from unoqa.core.errors import FitError, ResultsError, UsageError
from unoqa.formats import collect, read
from unoqa.grader import fitting
from unoqa.store.workspace import Workspace

CFLOW = {
    "choice": "cflow",
    "blocks": 2,
    "positional_channels": 8,
    "fibres": 2000,
    "batch": 64,
    "learning_rate": 0.01,
    "patience": 0,
}
IMAGES = 8
STEPS = 31
"""Steps in which the flow of one scale learns; the measures have two scales."""

READING, FIRST_FOLD, SECOND_FOLD = 5, IMAGES + STEPS + 28, IMAGES + 2 * STEPS + 1 + 28


def values(size=96, **module):
    return {
        "size": size,
        "panel": {"folds": 2},
        "members": [{"encoder": "measures", "module": {**CFLOW, **module}}],
        "threshold": {"choice": "conformal", "alpha": 0.2},
    }


def recipe(size=96, **module):
    return Recipe.from_values(values(size, **module), "small")


@pytest.fixture
def images(clinic, monkeypatch):
    """Return outstanding scans; every look at what was learned from them is kept."""
    monkeypatch.setattr(fitting, "Work", partial(fitting.Work, interval=0.0))
    return [read(reference) for reference in collect([clinic.outstanding]).references[:IMAGES]]


@pytest.fixture
def one_thread(torch_threads):
    """Let pieces of work follow one another, so that a step's number tells what was done before it."""
    torch_threads(1)


def saved(grader, folder):
    """Save a grader, and return the checksums of its files."""
    grader.save(folder)
    return (folder / "checksums.json").read_text()


def cut(recipe, images, work, *, after, seed=0):
    with pytest.raises(PowerCut):
        recipe.fit(images, seed=seed, workspace=work, progress=Failing(after))


@pytest.mark.parametrize(
    "cuts", [(READING,), (FIRST_FOLD,), (READING, FIRST_FOLD, SECOND_FOLD)], ids=["reading", "learning", "three-times"]
)
def test_a_fit_that_was_cut_ends_as_one_that_was_not(cuts, images, tmp_path):
    for after in cuts:
        cut(recipe(), images, tmp_path / "work", after=after)
    grader = recipe().fit(images, workspace=tmp_path / "work")
    assert list(tmp_path.iterdir()) == []
    assert saved(grader, tmp_path / "model") == saved(recipe().fit(images), tmp_path / "whole")


@pytest.mark.usefixtures("one_thread")
def test_no_image_is_encoded_twice(images, tmp_path):
    for after, read_by_then in ((READING, READING), (FIRST_FOLD, IMAGES), (SECOND_FOLD, IMAGES)):
        before = {path: path.read_bytes() for path in (tmp_path / "work").glob("features-*/*.raw")}
        cut(recipe(), images, tmp_path / "work", after=after)
        (index,) = (tmp_path / "work").glob("features-*/index.txt")
        found = [line.split()[0] for line in index.read_text().splitlines()]
        assert found == [image.digest() for image in images[:read_by_then]]
        assert all(path.read_bytes().startswith(kept) for path, kept in before.items())


@pytest.mark.usefixtures("one_thread")
def test_a_fit_goes_on_from_what_it_had_learned(images, tmp_path):
    cut(recipe(), images, tmp_path / "work", after=SECOND_FOLD)
    kept = {path: path.read_bytes() for path in (tmp_path / "work").glob("fit-*/*.safetensors")}
    assert len(kept) == 3  # both scales of the first fold, and what the second fold had begun
    cut(recipe(), images, tmp_path / "work", after=SECOND_FOLD)
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.parametrize(
    ("other", "seed"),
    [(recipe(size=80), 0), (recipe(learning_rate=0.02), 0), (recipe(), 1)],
    ids=["size", "rate", "seed"],
)
def test_a_fit_of_other_settings_does_not_go_on_from_it(other, seed, images, tmp_path):
    cut(recipe(), images, tmp_path / "work", after=SECOND_FOLD)
    grader = other.fit(images, seed=seed, workspace=tmp_path / "work")
    assert saved(grader, tmp_path / "model") == saved(other.fit(images, seed=seed), tmp_path / "whole")


def test_a_fit_of_other_images_does_not_go_on_from_it(images, tmp_path):
    cut(recipe(), images, tmp_path / "work", after=SECOND_FOLD)
    grader = recipe().fit(images[1:], workspace=tmp_path / "work")
    assert saved(grader, tmp_path / "model") == saved(recipe().fit(images[1:]), tmp_path / "whole")


def test_a_fit_in_which_nothing_can_be_encoded_leaves_nothing_behind(images, tmp_path):
    with pytest.raises(FitError):
        recipe().fit([EnfaceImage("dark.png", np.zeros((90, 90), np.float32))], workspace=tmp_path / "work")
    assert list(tmp_path.iterdir()) == []


def test_a_fit_that_is_refused_later_encodes_nothing_again_once_its_recipe_is_right(images, tmp_path):
    strict = recipe().with_alpha(0.01)
    for wrong, error in (
        (strict, FitError),
        (recipe(learning_rate=1e6), FitError),
        (recipe(scales=("layer9",)), UsageError),
    ):
        with pytest.raises(error):
            wrong.fit(images, workspace=tmp_path / "work")
    encoded = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("features-*/*.raw")}
    cut(recipe(), images, tmp_path / "work", after=FIRST_FOLD)
    assert {path: path.stat().st_mtime_ns for path in encoded} == encoded
    assert encoded


def test_what_somebody_else_keeps_in_the_folder_of_unfinished_work_stays(images, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    recipe().fit(images, workspace=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_fit_beside_another_is_refused_and_leaves_the_others_work(images, tmp_path):
    with Workspace(tmp_path / "work") as other:
        with pytest.raises(ResultsError) as caught:
            recipe().fit(images, workspace=tmp_path / "work")
        assert other.folder.is_dir()
    assert (
        str(caught.value)
        == f"Another process works in {tmp_path / 'work'}; wait until it ends, or choose another folder."
    )


KEEPING = (
    "from functools import partial; from unoqa.grader import fitting\n"
    "fitting.Work = partial(fitting.Work, interval=0.0)\n"
    "from unoqa.cli import main; main()"
)
"""The command line, which keeps every look at what was learned."""


@pytest.mark.slow
def test_a_process_killed_while_it_learns_goes_on_to_the_same_model(clinic, tmp_path):
    (tmp_path / "small.toml").write_text(tomli_w.dumps(values(fibres=10_000)), encoding="utf-8")
    command = [sys.executable, "-c", KEEPING, "fit", clinic.outstanding, "--recipe", tmp_path / "small.toml", "--quiet"]
    subprocess.run([*command, "-o", tmp_path / "whole"], check=True, capture_output=True)
    for parts in (1, 3):
        killed_after(parts, [*command, "-o", tmp_path / "model"], tmp_path / ".model.unfinished")
        assert not (tmp_path / "model").exists()
    subprocess.run([*command, "-o", tmp_path / "model"], check=True, capture_output=True)
    assert (tmp_path / "model" / "arrays.safetensors").read_bytes() == (
        tmp_path / "whole" / "arrays.safetensors"
    ).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "small.toml", "whole"]


def killed_after(parts, command, work):
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if len(list(work.glob("fit-*/*.safetensors"))) >= parts:
            break
        time.sleep(0.005)
    assert process.poll() is None, process.stderr.read()
    process.kill()
    process.communicate()
