"""On real images the recipes keep what the README says of them, with room for another machine's last bits."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from unoqa import Grade, Recipe, load
from unoqa.formats import collect, read

SHARED = Path(__file__).parents[2] / "shared"
DEVICE = "octa500-6mm"


def shared(name):
    """Return a file or folder beside the repository; without it the test is skipped, or fails where it must run."""
    path = SHARED / name
    if not path.exists():
        missing = f"{path} is not on this machine; it is lent for tests and not part of the project"
        if os.environ.get("UNOQA_REQUIRE_SHARED") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="module")
def split():
    """Return the images of one device: 60 outstanding ones to fit, the rest to grade, and their reference grades."""
    folder = shared("octa")
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        grades = {row["image"]: int(row["grade"]) for row in csv.DictReader(file) if row["device"] == DEVICE}
    outstanding = sorted(name for name, grade in grades.items() if grade == Grade.OUTSTANDING)
    fitted = set(np.random.default_rng(0).permutation(outstanding)[:60].tolist())
    tested = sorted(grades.keys() - fitted)
    images = {one.name: read(one) for one in collect([folder / "images"]).references if one.name in grades}
    return [images[name] for name in sorted(fitted)], [images[name] for name in tested], grades


def auroc(scores, worse):
    """Return the probability that a worse image scores higher (Mann, Whitney 1947)."""
    ranks = rankdata(scores)[worse].sum() - worse.sum() * (worse.sum() + 1) / 2
    return ranks / (worse.sum() * (~worse).sum())


def check(gradings, grades):
    worse = np.array([grades[one.image] != Grade.OUTSTANDING for one in gradings])
    refused = np.array([one.grade is not Grade.OUTSTANDING for one in gradings])
    assert auroc(np.array([one.score for one in gradings]), worse) >= 0.86
    assert refused[~worse].mean() <= 0.25
    assert refused[worse].mean() >= 0.5


def test_measures_tell_outstanding_from_the_rest(split):
    outstanding, rest, grades = split
    grader = Recipe.named("measures").fit(outstanding)
    check(grader.grade_cohort(rest).gradings, grades)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), [("default", None), ("default-resnet18", "resnet18_layers123.safetensors")])
def test_a_recipe_with_a_network_fits_settles_and_grades_one_image(name, file, split, tmp_path):
    outstanding, rest, grades = split
    weights = shared("encoders") / file if file else None
    settled = Recipe.named(name).fit(outstanding, weights=weights).settle(rest)
    settled.save(tmp_path / "model")
    together = settled.grade_all(rest).gradings
    check(together, grades)
    one = shutil.copy(shared("octa") / "images" / rest[0].name, tmp_path)
    assert load(tmp_path / "model").grade(one) == together[0]
