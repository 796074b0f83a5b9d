"""Images to fit on are encoded by workers of Dask: the model is that of a fit by threads, to the byte."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from clinic import small
from cluster import During, end, start
from interrupting import Failing, PowerCut
from unoqa import Recipe
from unoqa.batch.executors.dask import Dask
from unoqa.batch.executors.parts.encoding import EncodingOrder
from unoqa.batch.executors.threads import Threads
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.core.progress import NoProgress
from unoqa.encoders.vessel import Vessel
from unoqa.grader.open_encoders import Prepared
from unoqa.store.workspace import Workspace

pytest.importorskip("distributed", reason="needs the extra cluster")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outstanding(clinic, tmp_path_factory):
    """Return a folder of 19 scans; beside them one twice, and one that is no image."""
    folder = tmp_path_factory.mktemp("outstanding")
    scans = sorted(clinic.outstanding.iterdir())
    for path in scans[:19]:
        shutil.copy(path, folder)
    shutil.copy(scans[3], folder / "again.png")
    (folder / "scan.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return Recipe.read(small("default-resnet18", tmp_path_factory.mktemp("recipe")))


def fit(recipe, images, weights, folder, executor, *, progress=None):
    """Fit into a folder; return the checksums of the model's files, and the names of what was left out."""
    with Workspace(folder / "work") as workspace:
        prepared = recipe.prepare(images, weights=weights)
        grader = prepared.fit(seed=0, progress=progress or NoProgress(), workspace=workspace, encode=executor.encode)
    grader.save(folder / "model")
    report = grader.fitted.report
    return json.loads((folder / "model" / "checksums.json").read_text()), report.duplicates, report.failures


@pytest.fixture(scope="module")
def by_threads(recipe, outstanding, weights, tmp_path_factory):
    return fit(recipe, outstanding, weights, tmp_path_factory.mktemp("threads"), Threads())


def test_two_workers_give_the_same_bytes(recipe, outstanding, weights, by_threads, tmp_path):
    assert fit(recipe, outstanding, weights, tmp_path, Dask(scheduler="local:2")) == by_threads
    assert [len(some) for some in by_threads[1:]] == [1, 1]


def test_numbers_that_arrive_at_an_odd_address_give_the_same_bits():
    """NumPy sums them in pieces of 8192 there, and pixels come out of a message wherever they lie in it."""
    encoder = Vessel().open(device=torch.device("cpu"))
    for scan in draw_scans(outstanding=0, gradable=0, ungradable=8, seed=0, size=96):
        pixels = (scan.pixels / np.float32(255))[None]
        odd = np.frombuffer(b"." + pixels.tobytes(), np.uint8)[1:].view(np.float32).reshape(pixels.shape)
        assert not odd.flags.aligned
        expected = encoder.encode(pixels).scales
        found = encoder.encode(EncodingOrder(Prepared(odd, odd), (0,)).align().resized).scales
        assert all(torch.equal(*grids) for grids in zip(found, expected, strict=True))


def test_a_worker_is_killed_during_a_fit(recipe, outstanding, weights, by_threads, cluster, tmp_path):
    worker = cluster.add("one")
    cluster.add("two")
    during = During(3, lambda: end(worker))
    assert fit(recipe, outstanding, weights, tmp_path, Dask(scheduler=cluster.address), progress=during) == by_threads


def test_a_fit_that_was_cut_goes_on_with_the_features_of_the_workers(
    recipe, outstanding, weights, by_threads, cluster, tmp_path
):
    cluster.add()
    with pytest.raises(PowerCut):
        fit(recipe, outstanding, weights, tmp_path, Dask(scheduler=cluster.address), progress=Failing(9))
    kept = {path: path.read_bytes() for path in (tmp_path / "work").glob("features-*/*.raw")}
    assert all(kept.values())
    assert fit(recipe, outstanding, weights, tmp_path, Threads()) == by_threads
    assert all(path.read_bytes().startswith(before) for path, before in kept.items())


def test_the_command_fits_by_workers(outstanding, tmp_path):
    for who, words in (("threads", ()), ("dask", ("--scheduler", "local:1"))):
        fit = ("fit", outstanding, "-o", tmp_path / who, "--recipe", "measures", "--no-selftest")
        assert start("unoqa", *fit, "--executor", who, *words).wait(120) == 3  # one file is no image
    made, expected = ((tmp_path / who / "checksums.json").read_text() for who in ("dask", "threads"))
    assert made == expected
