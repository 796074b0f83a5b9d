"""Malformed recipes, manifests, models and records give one of our sentences or are read; nothing else happens."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzing.mutations import mutate
from unoqa import Recipe, Results, grade_to_folder, load
from unoqa.batch import GradeOptions
from unoqa.core.errors import UnoqaError
from unoqa.grader.source import ImageSource

SEEDS = st.integers(0, 2**32 - 1)


def some(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        derandomize=True,
    )


def attempt(act):
    """Do it; one of our errors is as good as none."""
    try:
        return act()
    except UnoqaError as error:
        assert str(error).strip()
        return None


@some(150)
@given(SEEDS)
def test_a_malformed_recipe(tmp_path, seed):
    path = tmp_path / "site.toml"
    path.write_bytes(mutate(tomli_w.dumps(Recipe.named("default").to_values()).encode(), seed))
    attempt(lambda: Recipe.read(path))


MANIFEST = "path,eye,session,patient,field of view\n" + "".join(
    f'scan{number}.png,OD,"visit {number}",P{number},6 x 6\n' for number in range(40)
)


@some(150)
@given(SEEDS)
def test_a_malformed_manifest(tmp_path, seed):
    path = tmp_path / "scans.csv"
    path.write_bytes(mutate(MANIFEST.encode(), seed))
    source = attempt(lambda: ImageSource.find(path))
    assert source is None or len(source) > 0


@pytest.fixture(scope="module")
def graded(settled, clinic, base):
    folder = clinic.some(base / "some", 12)
    grade_to_folder(settled, folder, base / "record", GradeOptions(heat=False)).close()
    return base / "record"


@some(150)
@given(SEEDS)
def test_a_malformed_record(graded, tmp_path, seed):
    (tmp_path / "record.sqlite").write_bytes(mutate((graded / "record.sqlite").read_bytes(), seed))

    def read() -> None:
        with Results.open(tmp_path) as results:
            assert all(grading.image is not None for grading in results.iterate())

    attempt(read)


@some(40)
@given(SEEDS, st.sampled_from(["model.toml", "arrays.safetensors", "checksums.json"]))
def test_a_malformed_model(model, tmp_path, seed, name):
    copy = tmp_path / "model"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(model, copy)
    (copy / name).write_bytes(mutate((model / name).read_bytes(), seed))
    if name != "checksums.json":  # whoever changes a model may also change its checksums
        correct(copy, name)
    attempt(lambda: load(copy))


def correct(folder: Path, name: str) -> None:
    path = folder / "checksums.json"
    sums = json.loads(path.read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps({**sums, name: digest}), encoding="utf-8")
